"""The options that decide names of files."""

from dataclasses import dataclass

from downloader.models.option_group import OptionGroup


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class NamingOptions(OptionGroup):
    """How files are named.

    Attributes:
        name_template: a template of names, such as ``{host}/{path}``; None for the names that URLs
            have.
        host_directories: begin names with a folder for the host.
        host_folders: save the start page of a host in its folder, as index.html.
        cut_dirs: leave out this many folders of the path, from the first one on.
        content_disposition: take the last part of a name from the answer's Content-Disposition
            field, if it has one (RFC 6266).
    """

    name_template: str | None = None
    host_directories: bool = True
    host_folders: bool = False
    cut_dirs: int = 0
    content_disposition: bool = False

    @property
    def has_default_names(self) -> bool:
        """Whether the URL alone decides the name that is claimed before the request."""
        changed = self.name_template is not None or self.host_folders or self.cut_dirs
        return self.host_directories and not changed

    @property
    def template_columns(self) -> tuple[str, ...]:
        """The columns of lists whose values the template puts into names."""
        if self.name_template is None:
            return ()
        from downloader.web.name_template import NameTemplate

        return NameTemplate.parse(self.name_template).columns

    def __post_init__(self) -> None:
        """Check the template, and that it is the only option that decides names.

        Raises:
            ValueError: the template is malformed, or a value is not allowed.
        """
        if self.cut_dirs < 0:
            raise ValueError("cut_dirs must not be negative")
        if self.host_folders and (self.name_template is not None or not self.host_directories):
            raise ValueError("host_folders needs the folders of hosts")
        if self.name_template is not None:
            # Imported late: most runs have no template.
            from downloader.web.name_template import NameTemplate

            if self.content_disposition or not self.host_directories or self.cut_dirs:
                raise ValueError(
                    "name_template decides whole names: it cannot be combined with "
                    "host_directories, cut_dirs or content_disposition"
                )
            try:
                NameTemplate.parse(self.name_template)
            except ValueError as error:
                raise ValueError(f"name_template: {error}") from None
        super().__post_init__()
