"""Optional dependencies: imported when first needed, with a sentence where they are missing."""

from importlib import import_module
from types import ModuleType

from partwise._errors import MissingExtraError


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import ``module``, or say which extra of partwise installs it.

    Parameters
    ----------
    module : str
        Dotted name of the module, for example ``"matplotlib.pyplot"``.
    extra : str
        The extra of partwise that installs it, for example ``"report"``.
    purpose : str
        What needs it, as the subject of a sentence, for example ``"Drawing the parts"``.

    Raises
    ------
    MissingExtraError
        If the module cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"{purpose} needs {package}, which cannot be imported here ({error}): "
            f'install it with  pip install "partwise[{extra}]".'
        ) from error
