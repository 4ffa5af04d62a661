"""What every stored notebook keeps to, one small function a rule.

A rule takes a notebook and its path, and returns the problems it sees, a sentence each. `RULES` are all of
them; `solution_problems` compares a notebook with its solution, `unseen_names` looks at the whole series.
"""

import ast
import functools
import itertools
import re
import statistics
import sys
import tomllib
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

FOLDER = Path(__file__).resolve().parent.parent  # the repository
NOTEBOOKS = FOLDER / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MARKS = {"holds": "✓", "fails": "✗", "unanswered": "○"}
NBVAL_TAGS = {"nbval-ignore-output", "nbval-check-output", "nbval-skip", "raises-exception"}
TAGS = {"setup", "homework", "exercise", "check", "solution", "wide"} | NBVAL_TAGS
MOST_BYTES, MOST_LINES, MOST_MEDIAN_LINES, MOST_COLUMNS = 1_500_000, 25, 5, 100
LENGTHS = {  # of those in their second edition: cells, words of text, claims
    "00_start_here": (60, 1_300, 12),
    "01_conv1d": (80, 1_500, 18),
    "02_conv2d": (80, 1_500, 18),
    "03_pooling": (80, 1_500, 18),
    "04_linear_regression": (90, 1_900, 20),
    "05_mnist_data": (85, 1_700, 18),
    "06_linear_and_nonlinear": (95, 2_200, 22),
    "07_cnn": (95, 2_200, 22),
    "08_optimizers": (110, 2_200, 22),
    "09_confusion_matrix": (110, 2_200, 22),
    "10_kernels_and_feature_maps": (95, 2_000, 20),
    "11_shift_robustness": (95, 2_000, 20),
    "12_save_load_resume": (95, 2_000, 20),
    "13_draw_a_digit": (95, 2_000, 20),
    "14_common_mistakes": (110, 2_200, 30),
    "15_fast": (95, 2_200, 18),
    "16_do_explanations_hold": (95, 2_000, 20),
}


# Reading notebooks


def all_notebooks():
    """The files of the course in order, a list of Paths: the notebooks, then their solutions."""
    return main_notebooks() + sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))


def main_notebooks():
    """The numbered notebooks in order, a list of Paths."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def read(path):
    """A notebook as it is stored, a NotebookNode: nothing is added to it or mended."""
    return nbformat.v4.reads(Path(path).read_text("utf-8"))


def is_solution(path):
    """Whether this is a file of solutions/."""
    return Path(path).parent.name == "solutions"


def tags(cell):
    """The tags of a cell, a list of str."""
    return list(cell.metadata.get("tags", []))


def compared(cell):
    """Whether nbval compares what this cell puts out."""
    return not {"nbval-ignore-output", "nbval-skip"} & set(tags(cell))


def blanked(text):
    """The text as nbval compares it: the numbers behind an ≈ left out.

    >>> blanked("≈98.2 % after ≈1,234 steps, of ≈[1, 2] and ≈-0.3.")
    '≈N % after ≈N steps, of ≈N and ≈N.'
    """
    rules = (FOLDER / "tests" / "nbval_sanitize.cfg").read_text("utf-8")
    for regex, replacement in re.findall("^regex: (.*)\nreplace: (.*)$", rules, re.MULTILINE):
        text = re.sub(regex, replacement, text)
    return text


def code_cells(notebook, tag=None):
    """The code cells that are not empty, as pairs of their number in the notebook, from 1, and the cell."""
    return [
        (number, cell)
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "code" and cell.source.strip() and (tag is None or tag in tags(cell))
    ]


def markdown_cells(notebook):
    """The text cells, as pairs of their number in the notebook, from 1, and the text without code in it."""
    return [
        (number, re.sub(r"^(```|~~~).*?^\1", "", cell.source, flags=re.MULTILINE | re.DOTALL))
        for number, cell in enumerate(notebook.cells, 1)
        if cell.cell_type == "markdown"
    ]


def output_texts(cell):
    """All text that a cell has put out, a list of str: streams, results, descriptions, tables, errors."""
    texts = []
    for output in cell.get("outputs", []):
        texts.append(output.get("text", ""))
        texts += [
            str(data) for mime, data in output.get("data", {}).items() if mime.startswith("text/")
        ]
        texts += [output.get("evalue", ""), *output.get("traceback", [])]
    return [text for text in texts if text]


def output_lines(cell):
    """The lines of all text that a cell has put out, a list of str."""
    return [line for text in output_texts(cell) for line in text.splitlines()]


def tree(cell):
    """The syntax tree of a code cell, `?` and `%` understood; an empty one if it is no Python (on purpose)."""
    try:
        return ast.parse(TransformerManager().transform_cell(cell.source))
    except SyntaxError:
        return ast.parse("")


def called(node):
    """The name of the function that `node` calls, or None if it is no call."""
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", getattr(node.func, "attr", None))
    return None


def claims(cell):
    """The sentences of the `claim` calls in a code cell, a list; None for one that is no literal."""
    calls = [
        node
        for node in ast.walk(tree(cell))
        if called(node) == "claim" and (node.args or node.keywords)
    ]
    return [
        call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset))
    ]


@functools.cache
def address():
    """Where the course is on GitHub, from pyproject.toml: OWNER/NAME, and the branch or tag; two str."""
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text("utf-8"))["project"]
    name, _, ref = project["urls"]["Repository"].partition("/tree/")
    return name.removeprefix("https://github.com/"), ref or "main"


@functools.cache
def setup_text():
    """The setup cell that all notebooks share, as it is in the first notebook, a str."""
    return code_cells(read(main_notebooks()[0]))[0][1].source


# What is stored


def execution_counts(notebook, path):
    """Counts are 1 to n: nbval silently skips a cell without one."""
    counts = [cell.get("execution_count") for _, cell in code_cells(notebook)]
    return (
        []
        if counts == list(range(1, len(counts) + 1))
        else [f"execution counts are {counts}, not 1 to n"]
    )


def stored_outputs(notebook, path):
    """A cell that prints, claims or shows something, or ends in a value, has its output stored."""
    return [
        f"cell {number} puts something out, and nothing is stored"
        for number, cell in code_cells(notebook)
        if not cell.outputs and _puts_out(tree(cell).body)
    ]


def _puts_out(statements):
    """Whether these statements of a cell surely put something out: a call that prints, or a value at the end."""
    last = statements[-1] if statements else None
    if isinstance(last, ast.Expr) and isinstance(
        last.value, ast.Name | ast.Attribute | ast.Subscript | ast.Compare
    ):
        return True
    return any(
        called(statement.value) in {"print", "claim", "show", "display"}
        for statement in statements
        if isinstance(statement, ast.Expr)
    )


def stored_errors(notebook, path):
    """No error is stored, unless the cell is there to raise it."""
    return [
        f"cell {number} has a stored error, {output.ename}"
        for number, cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in tags(cell)
    ]


def stored_stderr(notebook, path):
    """Nothing on stderr where nbval compares: warnings and progress bars differ from machine to machine."""
    return [
        f"cell {number} has stored stderr: {output.text[:60]!r}"
        for number, cell in code_cells(notebook)
        for output in cell.outputs
        if output.get("name") == "stderr" and compared(cell)
    ]


def stored_claims(notebook, path):
    """Each claim is a literal sentence, held in the stored output of its cell, and compared by nbval."""
    problems = []
    for number, cell in code_cells(notebook):
        lines = output_lines(cell)
        problems += [
            f"cell {number} says {line}" for line in lines if line.startswith(MARKS["fails"])
        ]
        sentences = claims(cell)
        if sentences and not compared(cell):
            problems.append(f"cell {number} makes a claim that nbval does not compare")
        for sentence in sentences:
            if sentence is None:
                problems.append(
                    f"cell {number}: the sentence of a claim is a plain string, with no numbers put in"
                )
            elif f"✓ {sentence}" not in lines and f"✗ {sentence}" not in lines:
                problems.append(
                    f"cell {number} claims {sentence!r}, and its stored output does not say ✓"
                )
    return problems


def widgets(notebook, path):
    """No widget is stored: GitHub does not show it, and may refuse the notebook."""
    problems = ["metadata.widgets is stored"] if "widgets" in notebook.metadata else []
    return problems + [
        f"cell {number} has a stored widget view"
        for number, cell in code_cells(notebook)
        if any(WIDGET_VIEW in output.get("data", {}) for output in cell.outputs)
    ]


def svg(notebook, path):
    """Pictures are PNG: an SVG differs each time it is drawn."""
    return [
        f"cell {number} has a stored SVG"
        for number, cell in code_cells(notebook)
        if any("image/svg+xml" in output.get("data", {}) for output in cell.outputs)
    ]


def absolute_paths(notebook, path):
    """No path of one machine, in sources or outputs: known folders, and where this one keeps things."""
    known = r"(?<![\w.~)])/(?:home|root|Users|tmp|mnt|private/var|var/folders)/\S*|\b[C-E]:\\+(?!math)\w\S*"
    here = "|".join(re.escape(str(folder)) + r"\b\S*" for folder in (FOLDER, sys.prefix))
    packages = r"[~\w/\\.:+-]+[/\\]site-packages\S*"
    return [
        f"cell {number} holds the absolute path {found}"
        for number, cell in enumerate(notebook.cells, 1)
        for text in [cell.source, *output_texts(cell)]
        for found in re.findall(f"{known}|{here}|{packages}", text)
    ]


def minimal_metadata(notebook, path):
    """Metadata say what kernel and which tags, and each cell has its own id: so two runs differ in nothing else."""
    problems = []
    if {key: value for key, value in notebook.metadata.items() if key != "widgets"} != METADATA:
        problems.append("the notebook's metadata are more or less than the kernel's name")
    problems += [
        f"cell {number} has metadata beside its tags: {', '.join(sorted(set(cell.metadata) - {'tags'}))}"
        for number, cell in enumerate(notebook.cells, 1)
        if set(cell.metadata) - {"tags"}
    ]
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) < len(ids) or notebook.nbformat_minor < 5:
        problems.append("not every cell has an id of its own")
    return problems and [*problems, "`python tests/run_notebooks.py --store` mends the metadata"]


def size(notebook, path):
    """A notebook stays small enough to be shown and cloned."""
    size = len(nbformat.v4.writes(notebook).encode())
    return [] if size < MOST_BYTES else [f"it has {size:,} bytes, {MOST_BYTES:,} at most"]


def timings(notebook, path):
    """No time is compared, unless behind an ≈: it is another one on each machine."""
    return [
        f"cell {number} has a timing in a compared output, {found!r}"
        for number, cell in code_cells(notebook)
        for text in output_texts(cell)
        for found in re.findall(r"\d(?: (?:s|ms|ns|[µμ]s|seconds?)|ms|ns|[µμ]s)\b", blanked(text))
        if compared(cell)
    ]


# How code is written


def semicolons(notebook, path):
    """No cell ends in a semicolon: nbval does not honour it."""
    return [
        f"cell {number} ends in ';'"
        for number, cell in code_cells(notebook)
        if cell.source.rstrip()[-1] == ";"
    ]


def directives(notebook, path):
    """What nbval should do is said in tags: comments get copied into homework."""
    return [f"cell {number} speaks to nbval in a comment" for number, cell in code_cells(notebook)
            if "NBVAL" in cell.source]  # fmt: skip


def known_tags(notebook, path):
    """A tag that is misspelt does nothing, and nobody notices."""
    return [
        f"cell {number} has the unknown tag {tag!r}"
        for number, cell in enumerate(notebook.cells, 1)
        for tag in tags(cell)
        if tag not in TAGS
    ]


def cell_length(notebook, path):
    """No cell is longer than a screen, and most are much shorter (that is not asked of solutions)."""
    lines = {
        n: sum(bool(line.strip()) for line in cell.source.splitlines())
        for n, cell in code_cells(notebook)
    }
    problems = [
        f"cell {number} has {length} lines, {MOST_LINES} at most"
        for number, length in lines.items()
        if length > MOST_LINES
    ]
    median = statistics.median(
        [lines[n] for n, cell in code_cells(notebook) if "setup" not in tags(cell)] or [0]
    )
    if median > MOST_MEDIAN_LINES and not is_solution(path):
        problems.append(
            f"the median of the code cells is {median:g} lines, {MOST_MEDIAN_LINES} at most"
        )
    return problems


def line_length(notebook, path):
    """Lines fit on half a page."""
    return [
        f"cell {number} has a line of {len(line)} characters, {MOST_COLUMNS} at most"
        for number, cell in code_cells(notebook)
        for line in cell.source.splitlines()
        if len(line) > MOST_COLUMNS
    ]


def global_style(notebook, path):
    """The look of figures is kept in mnist_lib.plots; no cell sets it for all that follow."""
    pattern = r"rcParams\b[^\n]*=|rcParams\.update|style\.use|\b(?:plt|mpl|matplotlib)\.rc\(|%matplotlib|%config"
    return [
        f"cell {number} sets the look of all figures: {found}"
        for number, cell in code_cells(notebook)
        for found in re.findall(pattern, cell.source)
    ]


def emoji(notebook, path):
    """No emoji: they look different everywhere, and are read out loud."""
    return [
        f"cell {number} holds {found!r}"
        for number, cell in enumerate(notebook.cells, 1)
        for text in [cell.source, *output_texts(cell)]
        for found in re.findall(
            "[\U0001f000-\U0001faff\u2600-\u2712\u2714-\u2716\u2718-\u27bf\u2b50\ufe0f]", text
        )
    ]


# What a reader sees


def pictures(notebook, path):
    """A stored picture says in words what it shows, as its text and as its alternative text."""
    problems = []
    for number, cell in code_cells(notebook):
        for output in cell.outputs:
            for mime in output.get("data", {}):
                if not mime.startswith("image/") or mime == "image/svg+xml":
                    continue
                words = output.data.get("text/plain", "").strip()
                if not words or words.startswith("<"):
                    problems.append(
                        f"cell {number} has a picture without a description; mnist_lib.plots.show adds it"
                    )
                elif output.metadata.get(mime, {}).get("alt") != output.data["text/plain"]:
                    problems.append(
                        f"cell {number} has a picture whose alternative text is not its description"
                    )
    return problems


def markdown_pictures(notebook, path):
    """A picture in the text has an alternative text."""
    bare = r"!\[\s*\]\([^)]*\)|<img\b(?![^>]*\balt=[\"'][^\"'])[^>]*>"
    return [
        f"cell {number} has a picture without alternative text: {found}"
        for number, text in markdown_cells(notebook)
        for found in re.findall(bare, text)
    ]


def headings(notebook, path):
    """One title, at the very top; below it no level is left out."""
    if (
        not notebook.cells
        or notebook.cells[0].cell_type != "markdown"
        or notebook.cells[0].source[:2] != "# "
    ):
        return ["the notebook does not begin with its title, '# …'"]
    found = [
        (number, len(marks), words)
        for number, text in markdown_cells(notebook)
        for marks, words in re.findall(r"^(#{1,6})\s+(.*)", text, re.MULTILINE)
    ]
    problems = [
        f"cell {number} has a second title, {words!r}"
        for number, level, words in found[1:]
        if level == 1
    ]
    return problems + [
        f"cell {number}: the heading {words!r} leaves out a level"
        for (_, above, _), (number, level, words) in itertools.pairwise(found)
        if level > above + 1
    ]


def badge(notebook, path):
    """The first cell opens this notebook in Colab."""
    place = Path(path).resolve().relative_to(FOLDER).as_posix()
    link = "https://colab.research.google.com/github/{}/blob/{}/{}".format(*address(), place)
    return (
        []
        if f"]({link})" in notebook.cells[0].source
        else [f"the first cell has no badge that links to {link}"]
    )


def setup_cell(notebook, path):
    """The first code cell is the setup cell, the same in all notebooks, and installs from this repository."""
    _, cell = code_cells(notebook)[0]
    problems = []
    if "setup" not in tags(cell):
        problems.append("the first code cell does not have the tag 'setup'")
    if len(code_cells(notebook, "setup")) > 1:
        problems.append("there is more than one setup cell")
    if cell.source != setup_text():
        problems.append("the setup cell differs from that of the first notebook")
    source = "github.com/{}@{}".format(*address())
    if f'{source}"' not in cell.source:
        problems.append(f"the setup cell does not install from {source}")
    return problems


def last_screen(notebook, path):
    """The notebook ends with "What we found" and "Your turn".

    Found are three sentences or more: claims of the notebook, word for word. From the second edition on they are six at
    most, in words of their own.
    """
    if is_solution(path):
        return []
    text = "\n\n".join(text for _, text in markdown_cells(notebook))
    sections = dict(re.findall(r"^## +(.*?) *\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    problems = [
        f"the section '## {name}' is missing"
        for name in ("What we found", "Your turn")
        if name not in sections
    ]
    if problems:
        return problems
    bullets = re.findall(r"^[-*+] +(.*(?:\n +\S.*)*)", sections["What we found"], re.MULTILINE)
    found = [" ".join(bullet.split()) for bullet in bullets]
    made = {sentence for _, cell in code_cells(notebook) for sentence in claims(cell)}
    if path.stem in LENGTHS:
        problems = [
            f"'What we found' repeats a claim: {words!r}" for words in found if words in made
        ]
    else:
        problems = [
            f"'What we found' says {words!r}, which no cell claims"
            for words in found
            if words not in made
        ]
    sentences = len(re.findall(r"[.!?](?=\s|$)", "\n".join(found)))
    if sentences < 3 or (path.stem in LENGTHS and sentences > 6):
        problems.append(f"'What we found' has {sentences} sentences")
    return problems


def length(notebook, path):
    """A lesson fits an hour: so many cells, words of text and claims."""
    got = (
        len(notebook.cells),
        sum(len(text.split()) for _, text in markdown_cells(notebook)),
        sum(len(claims(cell)) for _, cell in code_cells(notebook)),
    )
    limits = {} if is_solution(path) else LENGTHS
    return [
        f"it has {number:,} {name}, {most:,} at most"
        for number, most, name in zip(got, limits.get(path.stem, got), ("cells", "words", "claims"))
        if number > most
    ]


def links(notebook, path):
    """Each relative link leads to a file of the repository."""
    return [
        f"cell {number} links to {target}, which does not exist"
        for number, text in markdown_cells(notebook)
        for target in broken_links(text, Path(path).parent)
    ]


def broken_links(text, folder):
    """The relative targets of links and pictures in Markdown `text` that do not exist, a list of str.

    >>> broken_links("[a](https://example.org) [b](#part) [c](pyproject.toml#part) [d](nowhere.md)", FOLDER)
    ['nowhere.md']
    """
    text = re.sub(r"`[^`\n]*`", "", text)
    targets = re.findall(r"\]\(<?([^)\s>]+)|<(?:a|img)\b[^>]*(?:href|src)=[\"']([^\"']+)", text)
    targets = [first or second for first, second in targets]
    relative = [target for target in targets if not re.match(r"[a-z]+:|#|attachment:", target)]
    return [target for target in relative if not (folder / target.split("#")[0]).exists()]


# Homework and exercises


def homework(notebook, path):
    """Each notebook has a building block that runs on its own."""
    return (
        []
        if is_solution(path) or code_cells(notebook, "homework")
        else ["no cell has the tag 'homework'"]
    )


def exercises(notebook, path):
    """Two to five exercises: the task in words, the stub, its check, which waits (or, in a solution, is content)."""
    tag, mark = (
        ("solution", MARKS["holds"]) if is_solution(path) else ("exercise", MARKS["unanswered"])
    )
    problems, cells = [], list(enumerate(notebook.cells, 1))
    answers = [number for number, cell in cells if tag in tags(cell)]
    if not 2 <= len(answers) <= 5:
        problems.append(f"there are {len(answers)} cells with the tag {tag!r}, not two to five")
    for number, cell in cells:
        if number in answers:
            if notebook.cells[number - 2].cell_type != "markdown":
                problems.append(
                    f"cell {number} has the tag {tag!r}, and the cell before it does not say what to do"
                )
            if "check" not in tags((notebook.cells[number:] or [cell])[0]):
                problems.append(
                    f"cell {number} has the tag {tag!r}, and the cell after it is no check"
                )
        elif {"exercise", "solution"} & set(tags(cell)):
            problems.append(
                f"cell {number} has the tag of an exercise in the wrong kind of notebook"
            )
        elif "check" in tags(cell):
            if number - 1 not in answers:
                problems.append(f"cell {number} is a check with nothing before it to check")
            if not "".join(output_texts(cell)).startswith(mark):
                problems.append(
                    f"cell {number} is a check whose stored output does not begin with {mark}"
                )
    return problems


def solution_problems(notebook, solution):
    """What differs between the exercises of a notebook and of its solution, a list of sentences."""

    def parts(notebook, tag):
        places = [place for place, cell in enumerate(notebook.cells) if tag in tags(cell)]
        return [
            (notebook.cells[place - 1].source, notebook.cells[place + 1].source) for place in places
        ]

    asked, answered = parts(notebook, "exercise"), parts(solution, "solution")
    problems = (
        []
        if len(asked) == len(answered)
        else [f"{len(asked)} exercises have {len(answered)} solutions"]
    )
    for number, (exercise, answer) in enumerate(zip(asked, answered), 1):
        problems += [
            f"{part} of exercise {number} is another in the solution"
            for part, one, other in zip(("the task", "the check"), exercise, answer)
            if one != other
        ]
    return problems


RULES = [
    execution_counts,
    stored_outputs,
    stored_errors,
    stored_stderr,
    stored_claims,
    widgets,
    svg,
    absolute_paths,
    minimal_metadata,
    size,
    length,
    timings,
    semicolons,
    directives,
    known_tags,
    cell_length,
    line_length,
    global_style,
    emoji,
    pictures,
    markdown_pictures,
    headings,
    badge,
    setup_cell,
    last_screen,
    links,
    homework,
    exercises,
]


# The series


def unseen_names(notebooks):
    """The names from mnist_lib that a notebook imports before the series has shown them.

    Seen is what stands in backticks in the text of the first notebook (`plot_…` and `…_explorer` there cover all
    figures and explorers), and what an earlier code cell defined.

    Args:
        notebooks: {name: NotebookNode}, in the order of the series.

    Returns:
        A list of sentences, one for each place.
    """
    first = next(iter(notebooks.values()))
    spans = [span for _, text in markdown_cells(first) for span in re.findall(r"`([^`\n]+)`", text)]
    seen = {name for span in spans for name in re.findall(r"\w+", span)}
    problems = []
    for stem, notebook in notebooks.items():
        modules = set()
        for number, cell in code_cells(notebook):
            for name in _names_of_library(tree(cell), modules):
                kinds = (
                    re.sub("^plot_.*", "plot_…", name),
                    re.sub(".*_explorer$", "…_explorer", name),
                )
                if name not in seen and not set(kinds) & set(spans):
                    problems.append(
                        f"{stem}, cell {number} takes {name} from mnist_lib before it was seen"
                    )
            seen |= {
                node.name
                for node in tree(cell).body
                if isinstance(node, ast.FunctionDef | ast.ClassDef)
            }
    return problems


def _names_of_library(cell_tree, modules):
    """What a cell takes from mnist_lib, a list of str. Modules of it that go by a name here are added to `modules`."""
    names = []
    for node in ast.walk(cell_tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("mnist_lib", "mnist_lib.machinery"):
            modules |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mnist_lib."):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            modules |= {
                alias.asname or alias.name
                for alias in node.names
                if alias.name.startswith("mnist_lib.")
            }
    for node in ast.walk(cell_tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if owner in modules or re.fullmatch(r"mnist_lib\.\w+", owner):
                names.append(node.attr)
    return names


def built_in(path, *names):
    """What a notebook builds up under these names, run on its own: its imports, and the definitions.

    With the functions, classes and plain constants that these need in turn. The text that a student types
    into an exercise is left out.

    Args:
        path: the notebook's file; or its stem, "07_cnn".
        names: what to take from it.

    Returns:
        The namespace, a dict.

    Raises:
        LookupError: the notebook does not define one of the names.
    """
    path = path if isinstance(path, Path) else NOTEBOOKS / f"{path}.ipynb"
    cells = [cell for _, cell in code_cells(read(path)) if "exercise" not in tags(cell)]
    statements = [statement for cell in cells for statement in tree(cell).body]
    defined = {}
    for statement in statements:
        for name in _defines(statement):
            defined.setdefault(name, []).append(statement)
    if missing := set(names) - set(defined):
        raise LookupError(f"{path.name} does not define {', '.join(sorted(missing))}")
    needed, open_names = [], list(names)
    while open_names:
        for statement in defined.pop(open_names.pop(), []):
            needed.append(statement)
            open_names += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    own = {name for statement in needed for name in _defines(statement)}
    imports = (ast.Import, ast.ImportFrom)
    body = [
        _without(node, own) for node in statements if isinstance(node, imports) or node in needed
    ]
    namespace = {"__name__": path.stem}
    exec(compile(ast.Module(body, type_ignores=[]), str(path), "exec"), namespace)
    return namespace


def _without(statement, own):
    """An import less the names that the notebook built itself: the library's would come in their place."""
    if not isinstance(statement, ast.ImportFrom):
        return statement
    kept = [alias for alias in statement.names if (alias.asname or alias.name) not in own]
    return ast.copy_location(
        ast.ImportFrom(statement.module, kept, statement.level) if kept else ast.Pass(), statement
    )


def _defines(statement):
    """The names that a statement defines, a list: of a function, a class, or a constant that is written out."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    plain = (
        ast.Constant,
        ast.Tuple,
        ast.List,
        ast.Dict,
        ast.BinOp,
        ast.UnaryOp,
        ast.operator,
        ast.unaryop,
        ast.Name,
    )
    if isinstance(statement, ast.Assign) and all(
        isinstance(node, (*plain, ast.expr_context)) for node in ast.walk(statement.value)
    ):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []
