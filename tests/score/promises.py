"""What each profile promises, as far as the answer key has to know it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Promise:
    profile: str
    traits: frozenset
    # What LongitudinalTemporalInformationModified (0028,0303) has to say.
    temporal: str = "REMOVED"
    # Whether pseudonyms depend on a key.
    keyed: bool = True


def _promise(profile, *traits, temporal="REMOVED", keyed=True):
    return Promise(profile, frozenset(traits), temporal, keyed)


PROMISES = {
    promise.profile: promise
    for promise in (
        _promise("basic", "dates-not-kept", "uids-not-kept", "technical"),
        _promise(
            "longitudinal",
            "dates-not-kept", "dates-shifted", "uids-not-kept", "technical", "private-safe", "characteristics",
            "descriptors-cleaned",
            temporal="MODIFIED",
        ),
        # What is left by `unlisted = "remove"` is what an instance cannot be without.
        _promise("strict", "dates-not-kept", "uids-not-kept", "texts-gone"),
        _promise("uids-and-dates-kept", "technical", temporal="UNMODIFIED", keyed=False),
    )
}  # fmt: skip


def promise_of(profile: str) -> Promise:
    """The promise of a built-in profile; anything else is held to that of `basic`, but needs no key."""
    return PROMISES.get(profile) or replace(PROMISES["basic"], profile=profile, keyed=False)
