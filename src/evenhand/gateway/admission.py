"""A body becomes a request for the scheduler, or a refusal that says what to do."""

from dataclasses import dataclass
from typing import NamedTuple

import orjson

from evenhand.engines.tokenizer import PromptTokens
from evenhand.gateway.apis.api import Api, Reader
from evenhand.gateway.identity import Identity
from evenhand.gateway.served import Served
from evenhand.gateway.settings import CallLimits
from evenhand.model import EngineName, InteractionId, Outcome, Request, RequestId
from evenhand.wire.body_problem import BodyProblem
from evenhand.wire.completion import Completion
from evenhand.wire.members import Members, scan
from evenhand.wire.prefix_text import prefix_text, token_prefix


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a call ends at the door; `param` names the body's member."""

    outcome: Outcome
    message: str
    param: str | None = None
    retry_after_ms: int | None = None


class Admitted(NamedTuple):
    """What the relay needs of a body that passed. `engines` is where alone it can be served; empty:
    wherever its model is."""

    members: Members
    completion: Completion
    engines: tuple[EngineName, ...] = ()


def admit(
    api: Api,
    body: bytes,
    identity: Identity,
    served: Served,
    limits: CallLimits,
    *,
    is_bounded: bool,
) -> Admitted | Refused:
    """A body in order from a key that may ask it, or why not. `is_bounded`: a hard budget is over the
    key."""
    admitted = read_body(api.read, body, limits)
    if isinstance(admitted, Refused):
        return admitted
    model = served.aliases.get(admitted.completion.model)
    if model is not None:
        admitted = admitted._replace(completion=admitted.completion.as_model(model))
    refused = check_rights(admitted.completion, identity, served, limits)
    if refused is not None:
        return refused
    return _bounded(admitted, limits) if is_bounded else admitted


def read_body(read: Reader, body: bytes, limits: CallLimits) -> Admitted | Refused:
    """Parse and check a body, whoever sent it."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _bad(f"The body is not valid JSON: {error}. Send one JSON object.")
    if not isinstance(document, dict):
        return _bad("The body must be one JSON object.")
    members = scan(body, document)
    if members.depth > limits.json_depth_max:
        return _bad(f"The body nests deeper than {limits.json_depth_max} levels. Flatten it.")
    if members.repeated is not None:
        message = f"The member {members.repeated!r} stands twice. Send it once."
        return _bad(message, members.repeated)
    completion = read(document, members)
    if isinstance(completion, BodyProblem):
        return _bad(completion.message, completion.param)
    return Admitted(members, completion)


def check_rights(
    completion: Completion,
    identity: Identity,
    served: Served,
    limits: CallLimits,
) -> Refused | None:
    """Whether that key may ask this, and whether the amounts are within bounds."""
    model = completion.model
    if model not in served.models or (identity.models is not None and model not in identity.models):
        # The same answer for a model that does not exist and one that the key may not use.
        names = ", ".join(served.to(identity)) or "none"
        message = f"This key may not use the model {model[:200]!r}. It may use: {names}."
        return Refused(Outcome.MODEL_FORBIDDEN, message, "model")
    if completion.choices > limits.choices_max:
        message = (
            f"{completion.choices} completions in one request are more than the limit of "
            f"{limits.choices_max} (n or best_of, times the number of prompts). Ask for fewer."
        )
        return _bad(message, "n")
    if completion.is_embedding and completion.prompts > limits.embedding_inputs_max:
        message = (
            f"{completion.prompts} inputs in one request are more than the limit of "
            f"{limits.embedding_inputs_max}. Spread them over several requests."
        )
        return _bad(message, "input")
    asked, key_max = completion.output_tokens_max, identity.output_tokens_max
    output_max = limits.output_tokens_max
    if key_max and key_max < output_max:
        output_max = key_max
    if asked is None and key_max is not None:
        message = (
            f"This key allows at most {output_max} output tokens a completion: name "
            "max_completion_tokens or max_tokens."
        )
        return _bad(message, "max_tokens")
    if asked is not None and asked > output_max:
        return _bad(f"Ask for at most {output_max} output tokens.", "max_tokens")
    return None


def scheduler_request(
    admitted: Admitted,
    identity: Identity,
    *,
    request_id: RequestId,
    interaction: InteractionId,
    interaction_is_new: bool = False,
    calls_declared: int | None = None,
    reads_prefix: bool = False,
    tokens: PromptTokens | None = None,
) -> Request:
    """What the scheduler is told; identity comes from the key alone. `reads_prefix`: its policy compares
    prompts, by `tokens` if there are any, else as text. That is a copy which waits beside the body, so
    the queue's limits count both."""
    completion = admitted.completion
    request = Request(
        id=request_id,
        tenant=identity.tenant,
        model=completion.model,
        body_bytes=len(admitted.members.body),
        prompt_bytes=completion.prompt_bytes,
        prompt_tokens=completion.prompt_tokens,
        output_tokens_max=completion.output_tokens_max,
        choices=completion.choices,
        queue_wait_ms_max=identity.queue_wait_ms_max,
        application=identity.application,
        interaction=interaction,
        lane=identity.lane,
        calls_declared=calls_declared,
    )
    if admitted.engines:
        request.engines = admitted.engines
    if reads_prefix:  # set apart, because most policies do not and each argument costs
        if tokens is None:
            prefix = prefix_text(completion.model, admitted.members)
        else:
            prefix = token_prefix(completion.model, tokens.ids)
            if tokens.count is not None:
                request.prompt_tokens = tokens.count
        request.prefix = prefix
        request.body_bytes += len(prefix)
        request.trust_domain = identity.trust_domain
        request.interaction_is_new = interaction_is_new
    return request


def _bounded(admitted: Admitted, limits: CallLimits) -> Admitted:
    """Under a budget no answer may be without a bound: where the client names none, we do."""
    if admitted.completion.output_tokens_max is not None:
        return admitted
    bounded = admitted.completion._replace(
        output_tokens_max=limits.output_tokens_default,
        limit_is_ours=True,
    )
    return admitted._replace(completion=bounded)


def _bad(message: str, param: str | None = None) -> Refused:
    return Refused(Outcome.BAD_REQUEST, message, param)
