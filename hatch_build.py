"""Link the top folders into `.editable/social_sandbox` for an editable install.

The sources lie in `envs/`, `policies/`, `alignment/` and `configs/` and are imported as
`social_sandbox.envs` and so on. A wheel is built with these names; an editable install needs a
folder that has them.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class EditableLinks(BuildHookInterface):
    """Make the links before an editable wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Replace the links of an earlier install; do nothing for a standard wheel."""
        if version != "editable":
            return
        package = Path(self.root, ".editable", "social_sandbox")
        package.mkdir(parents=True, exist_ok=True)
        for source, name in self.build_config.sources.items():
            link = package.parent / name.rstrip("/")
            link.unlink(missing_ok=True)
            link.symlink_to(Path(self.root, source.rstrip("/")), target_is_directory=True)
