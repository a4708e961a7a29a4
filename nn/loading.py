"""Loading a ``state_dict``: first everything is compared, then copied; what does not fit is said in one error."""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import autograd_core as ac
from autograd_core import Tensor

from .parameter import Buffer, Parameter, is_lazy


class _IncompatibleKeys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class StateDict(OrderedDict[str, Any]):
    """The working copy of a state_dict during loading; ``pending`` are the copies to make once all has been
    compared."""

    pending: list[tuple[Any, str, Any, Any]]


def load_state_dict(root: Any, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> _IncompatibleKeys:
    """See :meth:`Module.load_state_dict`."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"load_state_dict: expected a dict of tensors, got {type(state_dict).__name__}.")
    missing: list[str] = []
    unexpected: list[str] = []
    messages: list[str] = []
    working = StateDict(state_dict)
    working.pending = []
    metadata = getattr(state_dict, "_metadata", None) or {}
    later: list[Any] = []

    def visit(module: Any, local: StateDict, prefix: str) -> None:
        local_metadata = dict(metadata.get(prefix[:-1], {}))
        if assign:
            local_metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(local, prefix, local_metadata, True, missing, unexpected, messages)
        for name, child in module._modules.items():
            if child is not None:
                inner = prefix + name + "."
                mine = StateDict((k, v) for k, v in local.items() if k.startswith(inner))
                mine.pending = working.pending
                visit(child, mine, inner)
        if module._hooks is not None:
            later.extend((module, hook) for hook in module._hooks.load_state_dict_post.values())

    visit(root, working, "")
    failed = messages or (strict and (missing or unexpected) and not later)
    if not failed:
        for module, name, param, value in working.pending:
            _store(module, name, param, value, assign)
    keys = _IncompatibleKeys(missing, unexpected)
    if not messages:
        for module, hook in later:  # a hook may take keys out of the two lists
            if hook(module, keys) is not None:
                raise RuntimeError("load_state_dict post-hook: must return None; change incompatible_keys in place.")
    if messages or (strict and (missing or unexpected)):
        raise RuntimeError(
            _complete_error(root, state_dict, missing if strict else [], unexpected if strict else [], messages)
        )
    return keys


def load_own(
    module: Any,
    state_dict: Any,
    prefix: str,
    local_metadata: Any,
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """The default of ``Module._load_from_state_dict``: this module's own tensors, not its children's."""
    if module._hooks is not None:
        for key, hook in list(module._hooks.load_state_dict_pre.items()):
            first = (module,) if key in module._hooks.with_kwargs else ()
            hook(*first, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
    assign = bool(local_metadata.get("assign_to_params_buffers", False))
    own = {n: p for n, p in module._parameters.items() if p is not None}
    own.update(
        (n, b) for n, b in module._buffers.items() if b is not None and n not in module._non_persistent_buffers_set
    )
    pending = getattr(state_dict, "pending", None)
    for name, param in own.items():
        key = prefix + name
        if key not in state_dict:
            if strict:
                missing_keys.append(key)
            continue
        value = state_dict[key]
        if not isinstance(value, Tensor):
            error_msgs.append(f"{key}: expected a Tensor, got {type(value).__name__}.")
            continue
        if is_lazy(param) != is_lazy(value) and not is_lazy(param):
            error_msgs.append(
                f"{key}: the state_dict has no values yet (saved from a lazy module before its first input)."
            )
            continue
        if not is_lazy(param):
            if param.array.shape == () and value.array.shape == (1,):  # scalars were saved so long ago
                value = value.reshape(())  # type: ignore[attr-defined]
            if value.array.shape != param.array.shape:
                error_msgs.append(
                    f"size mismatch for {key}: the state_dict has {_shape(value)}, the model has {_shape(param)}."
                )
                continue
        if pending is None:
            _store(module, name, param, value, assign)
        else:
            pending.append((module, name, param, value))
    _load_extra_state(module, state_dict, prefix, strict, missing_keys, unexpected_keys)
    if strict:
        extra = prefix + "_extra_state"
        for key in state_dict:
            if key.startswith(prefix) and key != extra:
                head, _, rest = key[len(prefix) :].partition(".")
                if (rest and head not in module._modules) or (not rest and head not in own):
                    unexpected_keys.append(key)


def _load_extra_state(
    module: Any, state_dict: Any, prefix: str, strict: bool, missing: list[str], unexpected: list[str]
) -> None:
    from .module import Module

    key = prefix + "_extra_state"
    if type(module).set_extra_state is not Module.set_extra_state:
        if key in state_dict:
            module.set_extra_state(state_dict[key])
        elif strict:
            missing.append(key)
    elif strict and key in state_dict:
        unexpected.append(key)


def _store(module: Any, name: str, param: Any, value: Any, assign: bool) -> None:
    """Copy ``value`` into ``param``, or put it in its place."""
    if is_lazy(param):
        if is_lazy(value):
            return
        param.materialize(value.array.shape, dtype=param.dtype)
    with ac.no_grad():
        if not assign:
            param.copy_(value)
        elif isinstance(param, Parameter):
            fresh = value if isinstance(value, Parameter) else Parameter(value, requires_grad=param.requires_grad)
            setattr(module, name, fresh.requires_grad_(param.requires_grad))
        else:
            setattr(module, name, value.requires_grad_(False) if isinstance(value, Buffer) else value.detach())


# ---------------------------------------------------------------------------------------------------- the one error


def _shape(value: Any) -> str:
    return "no shape yet" if is_lazy(value) else str(tuple(value.array.shape)) if isinstance(value, Tensor) else ""


def _complete_error(
    root: Any, given: Mapping[str, Any], missing: list[str], unexpected: list[str], messages: list[str]
) -> str:
    wanted = {**dict(root.named_parameters(remove_duplicate=False)), **dict(root.named_buffers(remove_duplicate=False))}
    lines = [f"load_state_dict: error(s) in loading state_dict for {type(root).__name__}; nothing was loaded."]
    hint = _hint(wanted, given)
    if hint:
        lines.append(hint)
    if missing:
        lines.append(f"Missing key(s) in state_dict ({len(missing)}):")
        lines += [_line(k, wanted.get(k), _nearest(k, wanted.get(k), unexpected, given)) for k in missing]
    if unexpected:
        lines.append(f"Unexpected key(s) in state_dict ({len(unexpected)}):")
        lines += [_line(k, given.get(k), _nearest(k, given.get(k), missing, wanted)) for k in unexpected]
    if messages:
        lines.append(f"Entries that do not fit ({len(messages)}):")
        lines += [f"  {m}" for m in messages]
    if not messages and not hint:
        lines.append("Pass strict=False to load what fits and get the lists of keys back.")
    return "\n".join(lines)


def _line(key: str, value: Any, near: str | None) -> str:
    return f'  "{key}" {_shape(value)}'.rstrip() + (f'  did you mean "{near}"?' if near else "")


def _nearest(key: str, value: Any, candidates: Iterable[str], table: Mapping[str, Any]) -> str | None:
    """The candidate that looks most like ``key``; one of the same shape wins."""
    candidates = list(candidates)
    same = [c for c in candidates if _shape(table.get(c)) == _shape(value)]
    for group, cutoff in ((same, 0.6), (candidates, 0.8)):
        found = difflib.get_close_matches(key, group, 1, cutoff)
        if found:
            return found[0]
    return None


def _hint(wanted: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """The two common mistakes: a wrapper's prefix, and a whole checkpoint instead of its state_dict."""
    for prefix in ("module.", "model.", "_orig_mod.", "net."):
        if given and all(k.startswith(prefix) for k in given) and any(k[len(prefix) :] in wanted for k in given):
            return (
                f'All its keys begin with "{prefix}", the model\'s do not: '
                f"load {{k.removeprefix({prefix!r}): v for k, v in state_dict.items()}}."
            )
        if given and wanted and all(k.startswith(prefix) for k in wanted) and any(prefix + k in wanted for k in given):
            return (
                f'The model\'s keys begin with "{prefix}", those given do not: '
                f"load {{{prefix!r} + k: v for k, v in state_dict.items()}}."
            )
    inner = [k for k, v in given.items() if isinstance(v, Mapping) and any(n in wanted for n in v)]
    if inner:
        return f'This is a whole checkpoint; did you mean state_dict["{inner[0]}"]?'
    return ""
