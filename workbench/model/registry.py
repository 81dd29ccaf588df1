"""Keeps the models this user trusts: by digest, after a trial, in one small file.

A model is added once: header checked, hashed, compared with the catalogue, tried in a child. From then on it
is loaded only if the file is the same (size, times, inode) or hashes to the same digest again. The file
itself stays where it is, unless a copy is asked for.
"""

from __future__ import annotations

import fcntl
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from workbench.core.clock import utc_now
from workbench.core.errors import ModelError
from workbench.core.ids import uuid7
from workbench.core.places import data_root
from workbench.core.safe_text import one_line
from workbench.model import catalogue, chat, files, hardware, registry_file, trial
from workbench.model.gguf import Header, read_header_from
from workbench.model.registry_file import RegisteredModel, Registrations

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_NEXT_ADD = "Add one: workbench model add FILE"


@dataclass(frozen=True, slots=True)
class AddProgress:
    """How far adding or verifying a model is."""

    stage: str
    """`hash`, `copy` (which hashes on the way) or `trial`."""
    done: int
    """Bytes; 0 during a trial."""
    total: int
    """Bytes; 0 during a trial, whose length nobody knows."""


OnProgress = Callable[[AddProgress], None]


class Registry:
    """The registered models of this user."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use `folder`, by default `models` under `$XDG_DATA_HOME/workbench`; nothing is made until `add`."""
        self._folder = folder or data_root() / "models"
        self._file = self._folder / "registry.json"
        self._lock = threading.Lock()

    def list(self) -> tuple[RegisteredModel, ...]:
        """Return every registered model, the one added first first.

        Raises:
            ModelError: The registry file cannot be understood.
        """
        return registry_file.read(self._file).models

    def default(self) -> str:
        """Return the name of the model that `get` returns, or an empty string."""
        return registry_file.read(self._file).default

    def get(self, name: str | None = None) -> RegisteredModel:
        """Return the model called `name`, or the default one.

        Raises:
            ModelError: There is no such model.
        """
        registrations = registry_file.read(self._file)
        if not registrations.models:
            raise ModelError("No model is registered.", _NEXT_ADD)
        wanted = name or registrations.default
        for model in registrations.models:
            if model.name == wanted:
                return model
        known = ", ".join(model.name for model in registrations.models)
        raise ModelError(f"No model is called {one_line(wanted)!r}.", f"Registered: {known}")

    def add(
        self, file: Path, name: str | None = None, *, copy: bool = False, progress: OnProgress | None = None
    ) -> RegisteredModel:
        """Check, hash and try the model file at `file`, register it and make it the default.

        Args:
            file: A GGUF file.
            name: What to call it; by default the catalogue's name for it, else made from the file's.
            copy: Keep a copy of our own, which nobody else will move or change.
            progress: Told how far it is, in this thread; what it raises stops everything.

        Raises:
            ModelError: The file is not what it should be; nothing was registered.
        """
        if name is not None and not _NAME.match(name):
            raise ModelError(
                f"{one_line(name)!r} cannot be the name of a model.",
                "Use up to 64 of a-z, 0-9, dot, hyphen and underscore, beginning with a letter or digit.",
            )
        path = Path(os.path.realpath(file))
        report = progress or (lambda _progress: None)
        with files.opened(path) as stream:
            header = read_header_from(stream, path.name)
            _refuse_wrong_size(name, path, header.size)
            if copy:
                return self._add_copy(stream, path, header, name, report)
            return self._try_and_keep(stream, path, header, name, report, _hash(stream, "hash", report))

    def verify(self, name: str | None = None, progress: OnProgress | None = None) -> RegisteredModel:
        """Hash the file of a model again and return its registration, brought up to date.

        Raises:
            ModelError: The digest is another one, or the file is gone.
        """
        model = self.get(name)
        with files.opened(model.path) as stream:
            digest = _hash(stream, "hash", progress or (lambda _progress: None))
            identity = files.FileIdentity.of(stream)
        if digest != model.sha256:
            raise ModelError(
                f"The file of model {model.name} is not the one that was added: "
                f"its SHA-256 is {digest}, not {model.sha256}.",
                "Put the original file back, or add this one under another name if you trust it.",
            )
        if identity != model.identity:
            model = replace(model, identity=identity)
            # Where it cannot be noted, the file is only hashed once more the next time.
            with suppress(ModelError), self._changing() as registrations:
                if any((other.name, other.sha256) == (model.name, digest) for other in registrations.models):
                    registry_file.write(self._file, registrations.with_model(model))
        return model

    def checked(self, name: str | None = None, progress: OnProgress | None = None) -> RegisteredModel:
        """Return a model that can be loaded: unchanged, or hashed again because its file was touched.

        Raises:
            ModelError: The file is gone, or its digest is another one.
        """
        model = self.get(name)
        with files.opened(model.path) as stream:
            if files.FileIdentity.of(stream) == model.identity:
                return model
        return self.verify(model.name, progress)

    def set_default(self, name: str) -> None:
        """Make `name` the model that is used where none is named.

        Raises:
            ModelError: There is no such model.
        """
        self.get(name)
        with self._changing() as registrations:
            registry_file.write(self._file, replace(registrations, default=name))

    def remove(self, name: str) -> None:
        """Forget the model called `name`; its file stays where it is.

        Raises:
            ModelError: There is no such model.
        """
        self.get(name)
        with self._changing() as registrations:
            registry_file.write(self._file, registrations.without(name))

    def _add_copy(
        self, stream: BinaryIO, path: Path, header: Header, name: str | None, report: OnProgress
    ) -> RegisteredModel:
        files.private_folder(self._folder)
        files.require_space(self._folder, header.size)
        partial = self._folder / f".{uuid7()}.partial"
        try:
            with open(
                os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w+b"
            ) as own:
                digest = _hash(stream, "copy", report, own)
                own.flush()
                os.fsync(own.fileno())
                # From here on our copy is what counts: it has the digest, whatever happens to the other.
                target = self._folder / f"{digest[:16]}.gguf"
                known_as = name or _name_for(path, digest)
                there_before = target.exists()
                os.replace(partial, target)
                try:
                    return self._try_and_keep(own, target, header, known_as, report, digest, path.name)
                except BaseException:
                    if not there_before:
                        target.unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise ModelError(f"The model cannot be copied: {error.strerror}.", "Check the disk.") from error
        finally:
            with suppress(OSError):
                os.unlink(partial)

    def _try_and_keep(
        self,
        stream: BinaryIO,
        path: Path,
        header: Header,
        name: str | None,
        report: OnProgress,
        digest: str,
        known_file: str = "",
    ) -> RegisteredModel:
        _refuse_wrong_digest(name, known_file or path.name, digest)
        known = catalogue.by_sha256(digest)
        identity = files.FileIdentity.of(stream)
        model = RegisteredModel(
            name=name or _name_for(path, digest),
            path=path,
            sha256=digest,
            identity=identity,
            family=known.family if known else chat.family_of(header),
            architecture=header.architecture,
            context_length=header.context_length,
            added=utc_now(),
        )
        self._refuse_taken(registry_file.read(self._file), model)
        hardware.require_memory(header, trial.CONTEXT, hardware.available_memory())
        report(AddProgress("trial", 0, 0))
        trial.run(stream, path, lambda: report(AddProgress("trial", 0, 0)))
        if files.FileIdentity.of(stream) != identity:
            raise ModelError(
                f"{one_line(path.name)} changed while it was added.", "Let it be written, then add it."
            )
        files.private_folder(self._folder)
        with self._changing() as registrations:
            self._refuse_taken(registrations, model)
            registry_file.write(self._file, replace(registrations.with_model(model), default=model.name))
        return model

    def _refuse_taken(self, registrations: Registrations, model: RegisteredModel) -> None:
        for other in registrations.models:
            if other.name == model.name and other.sha256 != model.sha256:
                raise ModelError(
                    f"The name {model.name} belongs to another file.",
                    "Give this one another name with --name.",
                )

    @contextmanager
    def _changing(self) -> Iterator[Registrations]:
        """Hold the registry against other threads and processes, and give what it says now."""
        files.private_folder(self._folder)
        path = self._folder / "registry.lock"
        with self._lock:
            try:
                lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise ModelError(
                    f"{one_line(str(path))} cannot be opened: {error.strerror}.", "Check the permissions."
                ) from error
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield registry_file.read(self._file)
            finally:
                os.close(lock)


def _hash(stream: BinaryIO, stage: str, report: OnProgress, copy_to: BinaryIO | None = None) -> str:
    before = files.FileIdentity.of(stream)
    digest = files.digest(stream, lambda done: report(AddProgress(stage, done, before.size)), copy_to)
    if files.FileIdentity.of(stream) != before:
        raise ModelError(
            "The model file changed while it was hashed.", "Let it be written to the end, then try again."
        )
    return digest


def _name_for(path: Path, digest: str) -> str:
    known = catalogue.by_sha256(digest)
    if known is not None:
        return known.name
    cleaned = re.sub(r"[^a-z0-9._-]+", "-", path.stem.casefold()).strip("-._")[:64]
    return cleaned if _NAME.match(cleaned) else f"model-{digest[:8]}"


def _known(name: str | None, file_name: str) -> catalogue.CatalogueEntry | None:
    """Return the catalogue's entry for this name; a name of the person's own hides the file's."""
    return catalogue.by_name(name if name is not None else file_name)


def _refuse_wrong_size(name: str | None, path: Path, size: int) -> None:
    known = _known(name, path.name)
    if known is not None and known.size != size:
        raise _wrong_file(known, path.name, f"it has {size} bytes, not {known.size}")


def _refuse_wrong_digest(name: str | None, file_name: str, digest: str) -> None:
    known = _known(name, file_name)
    if known is not None and known.sha256 != digest:
        raise _wrong_file(known, file_name, f"its SHA-256 is {digest}, not {known.sha256}")


def _wrong_file(known: catalogue.CatalogueEntry, file_name: str, why: str) -> ModelError:
    return ModelError(
        f"Wrong file: {one_line(file_name)} is not {known.name}, because {why}.",
        "Fetch it again; if it is meant to be another model, give it a name of its own with --name.",
    )
