// A black square to draw on in white. Python and all views share its strokes, [[[x, y], …], …], in units of its width.
const WAIT = 100; // ms at least between two messages while a stroke grows; its end is sent at once
const CLOSE = 0.003; // points that are closer than this to the one before are left out
const MOST = 10000; // points that can be drawn
const PHOTO = 800; // pixels of a photograph's longer side: a larger one is scaled down before it is sent

const count = (strokes) => strokes.reduce((sum, stroke) => sum + stroke.length, 0);
const decimals = (value) => Math.round(1e4 * Math.min(Math.max(value, 0), 1)) / 1e4; // on the square

function make(tag, parent, properties) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

async function shrink(photo) {
  try {
    const image = await createImageBitmap(photo); // upright
    const scale = Math.min(1, PHOTO / Math.max(image.width, image.height));
    const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.fillStyle = "white"; // where the picture is transparent
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
    const small = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    return small ?? new Blob(); // null where memory is short
  } catch { // this browser cannot read it; perhaps Python can
    return photo.size < 5e6 ? photo : new Blob();
  }
}

function render({ model, el }) {
  const root = make("div", el, { className: "mnist-lib-canvas" });
  const canvas = make("canvas", make("div", root, { className: "frame" }));
  const buttons = make("div", root, { className: "buttons" });
  const undo = make("button", buttons, { type: "button", textContent: "Undo", title: "Take back the last stroke" });
  const clear = make("button", buttons, { type: "button", textContent: "Clear", title: "Take back all strokes" });
  const upload = make("button", buttons, { type: "button", textContent: "Upload", title: "Upload a photograph of a digit" });
  const file = make("input", root, { type: "file", accept: "image/*" });
  const full = make("div", root);
  file.style.display = "none"; // its button is `upload`
  upload.hidden = !model.get("upload");
  canvas.setAttribute("role", "img");
  full.setAttribute("role", "status"); // read out when it changes

  let done = model.get("strokes"); // the strokes below the one that grows
  let stroke = null; // the one that grows
  let pointer = null; // what draws it
  let timer = null; // of the next message
  let sent = done; // the last that was sent

  function paint() {
    const size = Math.round(canvas.clientWidth * window.devicePixelRatio);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    context.fillStyle = "black";
    context.fillRect(0, 0, size, size);
    context.fillStyle = context.strokeStyle = "white";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = model.get("pen") * size;
    for (const points of stroke ? [...done, stroke] : done) line(context, size, points);
  }

  function line(context, size, points) {
    const [x, y] = points[0];
    context.beginPath();
    context.arc(x * size, y * size, context.lineWidth / 2, 0, 2 * Math.PI); // one point is a dot
    context.fill();
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x * size, y * size);
    context.stroke();
  }

  function show() {
    const number = done.length === 1 ? "1 stroke" : `${done.length} strokes`;
    canvas.setAttribute("aria-label", `${model.get("words")} Now: ${number}.`);
    full.textContent = count(done) < MOST ? "" : "The pad is full: take back a stroke, or clear it.";
    paint();
  }

  function send() {
    clearTimeout(timer);
    timer = null;
    sent = stroke ? [...done, [...stroke]] : done;
    model.set("strokes", sent);
    model.save_changes(); // while the kernel is busy, ipywidgets keeps the latest and sends that
  }

  function changed() {
    if (model.get("strokes") !== sent) done = model.get("strokes"); // by Python, or in another view
    show();
  }

  function add(event) {
    const frame = canvas.getBoundingClientRect();
    const x = decimals((event.clientX - frame.left) / frame.width);
    const y = decimals((event.clientY - frame.top) / frame.height);
    const last = stroke.at(-1);
    if (last && Math.hypot(x - last[0], y - last[1]) < (event.type === "pointerup" ? 1e-4 : CLOSE)) return;
    if (count(done) + stroke.length >= MOST) return;
    stroke.push([x, y]);
    line(canvas.getContext("2d"), canvas.width, stroke.slice(-2));
  }

  function begin(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const palm = event.pointerType === "pen" && pointer?.pointerType === "touch"; // it was there before the pen
    if ((pointer && !palm) || count(done) >= MOST) return;
    canvas.setPointerCapture(event.pointerId); // it draws on when it leaves the square
    pointer = event;
    stroke = [];
    add(event);
    paint();
    timer ??= setTimeout(send, WAIT);
  }

  function move(event) {
    if (event.pointerId !== pointer?.pointerId) return;
    if (event.buttons === 0) return end(); // it was lifted where the page did not see it
    const samples = event.getCoalescedEvents?.() ?? []; // all that came since the last picture
    for (const sample of samples.length ? samples : [event]) add(sample);
    timer ??= setTimeout(send, WAIT);
  }

  function lift(event) {
    if (event.pointerId !== pointer?.pointerId) return;
    if (event.type === "pointerup") add(event);
    end();
  }

  function end() {
    if (!stroke) return;
    done = [...done, stroke];
    stroke = pointer = null;
    send();
    show();
  }

  function take(strokes) {
    end();
    done = strokes();
    send();
    show();
  }

  async function sendPhoto() {
    const [photo] = file.files;
    file.value = ""; // so that the same can be chosen again
    const small = await shrink(photo);
    const bytes = await small.arrayBuffer().catch(() => new ArrayBuffer()); // none where the file is gone
    model.send({ name: photo.name }, undefined, [bytes]);
  }

  const listeners = new AbortController();
  const listen = (target, type, listener) => target.addEventListener(type, listener, { signal: listeners.signal });
  listen(canvas, "pointerdown", begin);
  listen(canvas, "pointermove", move);
  for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) listen(canvas, type, lift);
  listen(window, "blur", end);
  listen(window, "resize", paint);
  listen(canvas, "contextmenu", (event) => { // a long press
    event.preventDefault();
    event.stopPropagation();
  });
  listen(undo, "click", () => take(() => done.slice(0, -1)));
  listen(clear, "click", () => take(() => []));
  listen(upload, "click", () => file.click());
  listen(file, "change", () => file.files.length && sendPhoto());
  const events = { "change:strokes": changed, "change:pen": paint, "change:words": show };
  for (const [name, listener] of Object.entries(events)) model.on(name, listener);
  const size = new ResizeObserver(paint);
  size.observe(canvas);
  show();

  return () => {
    end();
    listeners.abort();
    size.disconnect();
    for (const [name, listener] of Object.entries(events)) model.off(name, listener);
  };
}

export default { render };
