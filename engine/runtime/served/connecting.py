"""From an entry to a model that answers, or to the reason why it cannot."""

from __future__ import annotations

from msgspec import Struct

from engine import tokenization
from engine.errors import EngineError, refusal
from engine.interfaces import LoadReport, ModelFiles, Tokenizer
from engine.messages import Message, Role, ServerEntry
from engine.runtime.loaded import LoadedModel
from engine.runtime.served.agreement import SAMPLE, Agreement
from engine.runtime.served.completions import Completions
from engine.runtime.served.dialect import Dialect, NoFigures
from engine.runtime.served.keys import key
from engine.runtime.served.link import Link, Refused, refused
from engine.runtime.served.native import Native
from engine.runtime.served.ollama import Ollama
from engine.runtime.served.runtime import ServedRuntime
from engine.store import servers
from engine.store.servers import Known

PROBE = "The time"
"""Its first two tokens are what is asked about; where words are tokens, the second begins with a
space."""
NO_ROUTE = (404, 405, 501)


class _Model(Struct):
    id: str
    max_model_len: int | None = None


class _Models(Struct):
    data: list[_Model]


def connect(files: ModelFiles, entry: ServerEntry, report: LoadReport) -> LoadedModel:
    """Ask a server what it gives for a model, and keep the answer for the list of models.

    Raises:
        EngineError: ``network`` if the server does not answer as one of models does; ``unable`` if
            the key is wrong, if it gives no log-probabilities, or if its vocabulary is another one
            than that of the tokenizer here; ``unknown_model`` if it does not have the model.
    """
    servers.check(entry)
    report(Message.of("stage.reading_tokenizer"), 0.0)
    tokenizer = tokenization.load(files.folder)
    report(Message.of("stage.asking_server"), 50.0)
    link = Link(entry.url, key(entry))
    try:
        model = _model(link, entry)
        agreement = Agreement(link, model.id, tokenizer)
        agreement.check()
        dialect = _dialect(link, model.id, tokenizer, agreement, _probe(files, tokenizer))
        _check_agreed(link, tokenizer, agreement, dialect)
    except Refused as error:
        raise refused(link, error) from error
    except NoFigures as error:
        _keep(files, Known(id=files.id, roles=[], unable=[Message.of("server.no_figures")]))
        raise refusal("unable", "server_no_figures", server=link.host) from error
    abilities = dialect.abilities
    context = abilities.context or model.max_model_len
    roles = list(files.roles) if abilities.prompt else list[Role](["continue"])
    found = Known(id=files.id, context=context, roles=roles, unable=abilities.unable())
    _keep(files, found)
    runtime = ServedRuntime(link, dialect, tokenizer, context)
    report(Message.of("stage.ready"), 100.0)
    return LoadedModel(
        files,
        tokenizer,
        causal=runtime,
        precision="served",
        listing=runtime.listing,
        remote=runtime,
    )


def _model(link: Link, entry: ServerEntry) -> _Model:
    """What the server says of the model, or of its only one where the entry names none."""
    try:
        listed = link.get(f"{link.url}/models", _Models).data
    except Refused as error:
        if error.status not in NO_ROUTE:
            raise
        listed = []  # a server without a list; requests will show whether it has the model
    names = [each.id for each in listed]
    if entry.model in names:
        return listed[names.index(entry.model)]
    if not entry.model and len(listed) == 1:
        return listed[0]
    if not entry.model:
        raise refusal("unknown_model", "server_which_model", server=link.host, models=names)
    if listed:
        raise refusal(
            "unknown_model", "server_no_model", server=link.host, model=entry.model, models=names
        )
    return _Model(entry.model)


def _probe(files: ModelFiles, tokenizer: Tokenizer) -> list[int]:
    """The start token, if texts have one, and two others."""
    named = files.start_token
    start = tokenizer.start if named is None else tokenizer.find(named)
    ids = [piece.id for piece in tokenizer.encode(PROBE)][:2]
    return ids if start is None else [start, *ids]


def _dialect(
    link: Link, name: str, tokenizer: Tokenizer, agreement: Agreement, ids: list[int]
) -> Dialect:
    """The first dialect in which the server gives log-probabilities."""
    completions = Completions(link, name, tokenizer, agreement)
    try:
        completions.probe(ids)
    except (Refused, NoFigures, EngineError) as error:
        if not _is_of_the_dialect(error):
            raise
        missing = error
    else:
        return completions
    for dialect in (Native(link, name, tokenizer), Ollama(link, name, tokenizer)):
        try:
            dialect.probe(ids)
        except NoFigures as error:
            missing = error
        except Refused:
            continue
        except EngineError as error:
            if error.event.kind == "unable":
                raise
        else:
            return dialect
    raise missing  # what stands at the address itself


def _is_of_the_dialect(error: Exception) -> bool:
    """Whether a server may do in another dialect what it does not in this one."""
    match error:
        case Refused():
            return error.status in NO_ROUTE
        case EngineError():
            return error.event.kind == "unable"
        case _:
            return True


def _check_agreed(link: Link, tokenizer: Tokenizer, agreement: Agreement, dialect: Dialect) -> None:
    """Refuse a server whose vocabulary cannot be compared with the one here."""
    if agreement.compared:
        return
    agrees = dialect.agrees(SAMPLE, [piece.id for piece in tokenizer.encode(SAMPLE)])
    if agrees is None:
        raise refusal("unable", "server_uncompared", server=link.host)
    if not agrees:
        raise refusal("unable", "server_other_tokens", server=link.host)


def _keep(files: ModelFiles, found: Known) -> None:
    if files.derived is not None:
        servers.keep(files.derived, found)
