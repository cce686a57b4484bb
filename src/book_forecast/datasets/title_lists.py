"""The folder of lists of titles as one optional catalog entry."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from book_forecast.bookscan.columns import REQUIRED
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import RawRows
from book_forecast.datasets.export_files import find_exports
from book_forecast.datasets.exports import Exports
from book_forecast.datasets.inputs import InputDataset
from book_forecast.storage.errors import UserError


class TitleLists(Exports):
    """The lists of titles in a folder, in the formats of exports; none without the folder.

    A name has the folder's before it, as in ``titles/list.xlsx``.
    """

    kind = "list of titles"

    def files(self) -> list[str]:
        """Find the lists, and return their names in order of reading.

        Raises:
            UserError: The folder is a file, or has a file in a format that cannot be read.
        """
        try:
            found = find_exports(self._fs, self._folder, self._shown_folder)
        except FileNotFoundError:
            found = []
        except NotADirectoryError:
            raise UserError(
                f"{self._shown_folder} is a file. Put each {self.kind} into a folder of that name."
            ) from None
        folder = PurePosixPath(self._folder).name
        self._found = {f"{folder}/{file.name}": file for file in found}
        return list(self._found)

    def read(self, file: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read a list in parts; one without rows has an empty part.

        Args:
            file: One of `files`.
            hints: What the user says about it.

        Raises:
            UserError: It cannot be read, is no list, or changes meanwhile.
        """
        try:
            for raw in super().read(file, hints):
                if not raw.layout.is_title_list:
                    raise UserError(
                        f"{file} is no {self.kind}: it has sales. Move it into the folder of "
                        "exports, 01_raw/sales."
                    )
                yield raw
        except UserError as error:
            # The readers know what an export needs, not which folder the file is in.
            if REQUIRED not in str(error):
                raise
            raise UserError(
                f"{file} cannot be used: a {self.kind} needs a header with ISBN and Publication "
                "Date, or with ISBN, Title and other known columns alone. Correct it, name the "
                "columns in the parameters, such as "
                f'exports: {{"{file}": {{columns: {{publication_date: "Published on"}}}}}}, or '
                "remove it from the folder."
            ) from error


class TitleListsDataset(InputDataset[TitleLists]):
    """Every list of titles in a folder, local or in the cloud; the folder may be missing.

    Example:
        ```yaml
        title_lists:
          type: book_forecast.datasets.TitleListsDataset
          filepath: "${_root}/01_raw/titles/"
        ```
    """

    def load(self) -> TitleLists:
        """Return the lists, which are read file by file."""
        return TitleLists(self._fs, self._path, self._filepath)


class LaunchTables(TitleLists):
    """The tables of launches in a folder, in the formats of exports; none without the folder."""

    kind = "table of launches"


class LaunchTablesDataset(InputDataset[LaunchTables]):
    """Every table of launches in a folder, local or in the cloud; the folder may be missing.

    Example:
        ```yaml
        launch_tables:
          type: book_forecast.datasets.LaunchTablesDataset
          filepath: "${_root}/01_raw/launches/"
        ```
    """

    def load(self) -> LaunchTables:
        """Return the tables, which are read file by file."""
        return LaunchTables(self._fs, self._path, self._filepath)
