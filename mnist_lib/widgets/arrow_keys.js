// A box: while it has the focus, the arrow keys change x (to the right) and y (downwards), within limits.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "mnist-lib-arrow-keys";
  box.tabIndex = 0;
  box.setAttribute("role", "application"); // screen readers leave the arrow keys to it
  box.setAttribute("data-lm-suppress-shortcuts", "true"); // and so does JupyterLab
  box.textContent = model.get("words");
  box.setAttribute("aria-label", model.get("words"));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") box.blur();
    if (!(event.key in STEPS) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // the page does not scroll
    event.stopPropagation(); // the notebook does not go to another cell
    const [right, down] = STEPS[event.key];
    const within = (low, value, high) => Math.min(Math.max(low, value), high);
    model.set("x", within(model.get("left"), model.get("x") + right, model.get("right")));
    model.set("y", within(model.get("top"), model.get("y") + down, model.get("bottom")));
    model.save_changes();
  });
  el.append(box);
}

export default { render };
