"""Turns what uv installed, the server's sources, or files as they are, into a layer: pruned, compiled, and the same bytes every time.

Runs in the build stages of the Dockerfile, on Python's standard library alone:
`assemble.py environment INSTALLED OUT`, `assemble.py server SOURCE OUT` and `assemble.py files SOURCE OUT`."""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib.util
import marshal
import os
import shutil
import struct
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Iterator

# Folders that only developers of a library use, wherever they are.
DEVELOPERS = {"tests", "__pycache__", "include", "benchmarks"}
# Libraries that their makers test without docstrings (python -OO): their bytecode has none, which
# saves a third of it, on disk and in memory. (numpy asserts what its docstrings say.)
UNDOCUMENTED = {"scipy", "sklearn"}
# Sources of compiled modules and stubs for type checkers: nothing reads them at run time.
SOURCES = {".pyi", ".pyx", ".pxd", ".pxi", ".h", ".hpp", ".cuh", ".c", ".cc", ".cpp", ".pyc", ".a", ".lib", ".cmake", ".tp"}
# Parts of one library that serving never loads, by path in the installed folder.
UNUSED = {
    "onnxruntime": ("transformers", "tools", "quantization", "datasets", "backend"),
    "numpy": ("distutils", "_pyinstaller", "_core/lib", "random/lib", "random/_examples"),
    "sklearn": ("datasets/data", "datasets/images", "datasets/descr"),
    "torch": ("bin", "share", "test", "testing/_internal"),
    "joblib": ("test",),
    "bin": (".",),
}
# Compiled modules that only the tests of numpy, scipy and torch load.
TEST_MODULES = ("libtorchbind_test", "libjitbackend_test", "libbackend_with_compiler", "libaoti_custom_ops", "_test_", "_ctest", "_cytest", "_umath_tests", "_rational_tests", "_struct_ufunc_tests", "_operand_flag_tests", "_multiarray_tests", "_simd.")
# Packages of scikit-learn that hold nothing of a pipeline that is served.
TRAINING = {"datasets", "inspection", "manifold", "experimental", "model_selection"}
# What an installer writes down of itself: it differs from run to run, or names files that are pruned.
RECORDS = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
# What the header of a compiled file calls each processor: e_machine of ELF.
MACHINES = {"amd64": 62, "arm64": 183}
# Processes that compile. A fixed number: it is part of what the bytes follow from.
COMPILERS = 4
# What uv locks its target folder with.
LOCK = ".lock"


def main() -> None:
    """Runs the part that the arguments name. The tree below OUT is copied to / as it is."""
    # Syntax trees are many objects without cycles: looking for those takes longer than all the rest.
    gc.disable()
    part, source, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    if part == "environment":
        environment(source, out / "app" / "python", Path(__file__).with_name("loader.py"))
    elif part == "server":
        shutil.copytree(source, out)
        compile_files(sorted(out.rglob("*.py")), out)
    elif part == "files":
        shutil.copytree(source, out)
    else:
        raise SystemExit(f"assemble.py: there is no part {part}")
    settle(out)


def environment(installed: Path, target: Path, loader: Path) -> None:
    """Prunes the installed distributions, moves them to their place, and compiles what serving imports."""
    prune(installed)
    target.parent.mkdir(parents=True)
    shutil.move(str(installed), target)
    link_equal_libraries(target)
    offer_openmp(target, target.with_name("lib"))
    imports = Imports(target)
    compile_files(sorted(imports.closure(loader)), target.parent.parent)
    if os.environ["TARGETARCH"] == os.environ["BUILDARCH"]:
        try_imports(target, sorted(imports.direct(loader)), target.with_name("lib"))


def link_equal_libraries(root: Path) -> None:
    """Several wheels bring the same shared library: all but the first become links to it."""
    first: dict[bytes, Path] = {}
    for file in sorted(root.glob("*.libs/*.so*")):
        known = first.setdefault(hashlib.sha256(file.read_bytes()).digest(), file)
        if known != file:
            file.unlink()
            file.symlink_to(os.path.relpath(known, file.parent))


def offer_openmp(root: Path, place: Path) -> None:
    """LightGBM's wheel asks for the system's libgomp.so.1, which slim images lack. scikit-learn's wheel brings
    the same library under a name of its own: it is shown under the one that is asked for, on LD_LIBRARY_PATH."""
    brought = sorted(root.glob("scikit_learn.libs/libgomp-*.so*"))
    if brought and (root / "lightgbm").is_dir():
        place.mkdir()
        (place / "libgomp.so.1").symlink_to(os.path.relpath(brought[0], place))


def try_imports(root: Path, names: list[str], libraries: Path) -> None:
    """Imports what the loader imports: a part too many that was removed is found here and not in a pod."""
    env = {**os.environ, "PYTHONPATH": str(root), "LD_LIBRARY_PATH": str(libraries)}
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    ran = subprocess.run([sys.executable, "-B", "-c", code, *names], env=env, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"assemble.py: importing {', '.join(names)} failed")


def prune(root: Path) -> None:
    """Removes what serving does not need."""
    (root / LOCK).unlink(missing_ok=True)
    for package, unused in UNUSED.items():
        for pattern in unused:
            for found in [root / package] if pattern == "." else list((root / package).glob(pattern)):
                shutil.rmtree(found, ignore_errors=True)
    for folder, folders, files in os.walk(root, topdown=True):
        here = Path(folder)
        for name in [name for name in folders if name in DEVELOPERS]:
            # A package that is itself called like this holds what is imported.
            if here != root or name == "__pycache__":
                shutil.rmtree(here / name)
                folders.remove(name)
        for name in files:
            if is_unused(here, name):
                (here / name).unlink()
            elif ".so" in name and not (here / name).is_symlink():
                refuse_foreign(here / name)
                strip(here / name)


def is_unused(folder: Path, name: str) -> bool:
    """Whether serving never reads a file of this name."""
    if folder.suffix == ".dist-info":
        return name in RECORDS
    return Path(name).suffix in SOURCES or (name.endswith(".so") and name.startswith(TEST_MODULES))


def refuse_foreign(file: Path) -> None:
    """What was compiled for another processor would fail only when it is loaded, in a pod: a source that
    was built here for another platform is such a file."""
    with file.open("rb") as library:
        header = library.read(20)
    target = os.environ["TARGETARCH"]
    if header[:4] == b"\x7fELF" and struct.unpack_from("<H", header, 18)[0] != MACHINES[target]:
        raise SystemExit(f"assemble.py: {file.name} is not compiled for {target}: allow no source of its distribution")


def strip(file: Path) -> None:
    """Cuts symbols and debugging information off a shared library: what lies behind everything that its
    program headers name is never loaded. Needs no tool of the target's platform."""
    with file.open("r+b") as library:
        header = library.read(64)
        if header[:6] != b"\x7fELF\x02\x01":
            return
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        end = table + size * count
        library.seek(table)
        entries = library.read(size * count)
        for place in range(count):
            offset, length = struct.unpack_from("<8xQ16xQ", entries, place * size)
            end = max(end, offset + length)
        # The sections' table is gone too: its place, the size of an entry, their number, their names.
        library.seek(40)
        library.write(bytes(8))
        library.seek(58)
        library.write(bytes(6))
        library.truncate(end)


class Imports:
    """What importing modules of a folder imports, read from their text: so it is known for the wheels of
    any platform, and on any platform alike."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def closure(self, loader: Path) -> set[Path]:
        """Files that are loaded by importing each top-level module, and each public module directly
        below those that the format's loader imports: an estimator comes from any of them."""
        open_ = {name for entry in self.root.iterdir() if (name := module_name(entry)) is not None}
        for name in self.direct(loader):
            parts = {module_name(entry) for entry in (self.root / name).iterdir()} - {None, *TRAINING}
            open_.update(f"{name}.{part}" for part in parts if not str(part).startswith("_"))
        found: set[Path] = set()
        seen: set[str] = set()
        while open_:
            name = open_.pop()
            if name in seen:
                continue
            seen.add(name)
            if "." in name:
                open_.add(name.rpartition(".")[0])
            file = self.find(name)
            if file is None or file in found:
                continue
            found.add(file)
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            open_.update(self.imports_of(file, package) - seen)
        return found

    def direct(self, loader: Path) -> set[str]:
        """Top-level packages of this folder that the loader imports."""
        names = {name.split(".")[0] for name in self.imports_of(loader, "mlship_server.loaders")}
        return {name for name in names if (self.root / name / "__init__.py").is_file()}

    def find(self, name: str) -> Path | None:
        """The source file of a module; None for what is compiled, missing or not in this folder."""
        base = self.root.joinpath(*name.split("."))
        for file in (base / "__init__.py", base.with_name(base.name + ".py")):
            if file.is_file():
                return file
        return None

    def imports_of(self, file: Path, package: str) -> set[str]:
        """Names of modules that a file imports when it is itself imported, and of what may be one."""
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            # A template or a file for another Python: nothing imports it here.
            return set()
        names: set[str] = set()
        for node in at_import(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                module = ".".join([*above, *([node.module] if node.module else [])])
                names.add(module)
                names.update(f"{module}.{alias.name}" for alias in node.names)
        return names - {""}


def at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements that run when a module is imported: not the bodies of functions, nor what is for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from at_import(node)


def module_name(entry: Path) -> str | None:
    """The name by which something at the top of the folder is imported."""
    if entry.is_dir():
        return entry.name if (entry / "__init__.py").is_file() else None
    return entry.stem if entry.suffix == ".py" else None


def compile_files(files: list[Path], out: Path) -> None:
    """Compiles files in a few processes. Which file which process compiles, and after which others, is always
    the same, whatever the number of processors: bytecode shows what its process has interned before."""
    children = []
    for share in range(COMPILERS):
        child = os.fork()
        if child == 0:
            try:
                for file in files[share::COMPILERS]:
                    compile_file(file, out)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    if any([os.waitpid(child, 0)[1] for child in children]):
        raise SystemExit("assemble.py: compiling failed")


def compile_file(file: Path, out: Path) -> None:
    """Compiles one file. Its bytecode names the place in the image, and is valid whatever the file's time."""
    source = file.read_bytes()
    place = "/" + file.relative_to(out).as_posix()
    try:
        text: bytes | ast.Module = source
        if UNDOCUMENTED.intersection(file.relative_to(out).parts):
            text = ast.parse(source)
            remove_docstrings(text)
        code = compile(text, place, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        # A template or a file for another Python: importing it would fail as well.
        return
    # The layout is that of PEP 552; flag 1 is an unchecked hash of the source.
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    bytecode = Path(importlib.util.cache_from_source(str(file)))
    bytecode.parent.mkdir(exist_ok=True)
    bytecode.write_bytes(header + marshal.dumps(code))


def remove_docstrings(tree: ast.Module) -> None:
    """Puts nothing in the place of each docstring; lines keep their numbers."""
    open_: list[ast.AST] = [tree]
    while open_:
        node = open_.pop()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            if ast.get_docstring(node, clean=False) is not None:
                node.body[0] = ast.copy_location(ast.Pass(), node.body[0])
        # Definitions are statements, and those are only in blocks: no expression is looked into.
        for block in ("body", "orelse", "finalbody", "handlers", "cases"):
            open_.extend(getattr(node, block, ()))


def settle(out: Path) -> None:
    """One time, one owner's rights: nothing of the machine and the moment of the build stays in the tree."""
    for folder, folders, files in os.walk(out, topdown=False):
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                file.chmod(0o555 if file.stat().st_mode & 0o100 and file.suffix == ".so" else 0o444)
            os.utime(file, (0, 0), follow_symlinks=False)
        os.chmod(folder, 0o755)
        os.utime(folder, (0, 0))


if __name__ == "__main__":
    main()
