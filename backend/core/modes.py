"""How far publishing goes. Owns the closed set; which one holds unless said otherwise is a setting's and a
preference's."""

from typing import Literal, get_args

Mode = Literal["dry_run", "draft", "publish"]
"""`dry_run` fills the form and leaves; `draft` saves it on the marketplace as a draft; `publish` presses the last
button."""
MODES: tuple[Mode, ...] = get_args(Mode)
