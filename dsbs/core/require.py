"""Optional packages: import one, or say in one plain line which command installs it."""

import importlib
from importlib.util import find_spec
from types import ModuleType

from dsbs.core.errors import InputError


class MissingPackage(InputError):
    """A package that is not installed, or that is installed and does not import.

    >>> print(MissingPackage("--lora-rank", "peft", fix="pip install 'dsbs[train]'"))
    --lora-rank needs peft: pip install 'dsbs[train]'
    """

    def __init__(self, needed_by: str, package: str, *, fix: str) -> None:
        super().__init__(needed_by, got=f"no {package}", expected=package, fix=fix)
        self.args = (f"{needed_by} needs {package}: {fix}".replace("\n", " "),)


def require(package: str, extra: str = "", *, needed_by: str) -> ModuleType:
    """Import an optional package.

    Args:
        package: Name of the module, which may have dots.
        extra: The extra of dsbs that installs it. Default: it is installed under its own name.
        needed_by: The command or flag that cannot work without it: the subject of the sentence.

    Raises:
        MissingPackage: It is not installed, or something inside it fails to import.
    """
    check_installed(package, extra=extra, needed_by=needed_by)
    try:
        return importlib.import_module(package)
    except ImportError as error:
        fix = f"it is installed but does not import ({error}); `dsbs doctor` shows what to mend"
        raise MissingPackage(needed_by, package, fix=fix) from error


def check_installed(*packages: str, extra: str = "", needed_by: str) -> None:
    """Raise MissingPackage for the first of these packages that is not installed. Imports none.

    A command calls this before it makes its run folder; `require` is for the place that uses the
    package.
    """
    for package in packages:
        name = package.partition(".")[0]
        if find_spec(name) is None:
            wanted = f"'dsbs[{extra}]'" if extra else name
            raise MissingPackage(needed_by, name, fix=f"pip install {wanted}")
