"""What somebody typed into a field of a form. Owns how it is read; owns no check of it."""

from starlette.datastructures import FormData


def text_of(form: FormData, name: str) -> str:
    """Without blanks around it; a browser's own line breaks become plain ones."""
    return str(form.get(name, "")).replace("\r\n", "\n").strip()
