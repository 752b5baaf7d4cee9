//! Ids that are a function of what the event is about.
//!
//! Every id is a UUIDv5 (RFC 9562 §5.5: SHA-1 of the namespace's 16 bytes and the name), so that another
//! implementation can make the same ones:
//!
//! | id | namespace | name (UTF-8) |
//! |---|---|---|
//! | account | [`ACCOUNTS`] | the mailbox address, trimmed, without `<>`, in lower case |
//! | event | the account id | send id, NUL, message key, NUL, event type |
//! | retract | the account id | send id, NUL, the retracted ids in order joined by `,`, NUL, `answerback.retract.v1` |
//! | coverage | the account id | NUL, `checked_up_to` in RFC 3339 with `Z` and no trailing zeros, NUL, `answerback.coverage.v1` |
//!
//! The message key is the reply's Message-ID without angle brackets and with the domain in lower case, or, where
//! the reply has none, the digest that `answerback_reply::Message::key` gives.

use answerback_reply::MessageId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::EventType;

/// The namespace of account ids: UUIDv5 of `answerback:/accounts/` in RFC 9562's URL namespace.
pub const ACCOUNTS: Uuid = Uuid::from_u128(0x20d9779a_4719_504c_a0fa_8be10ad02477);

/// The id of the account with this mailbox address, the same on each laptop that watches it.
pub fn account_id(address: &str) -> Uuid {
    let normalised = address.trim_matches(|c: char| c.is_whitespace() || c == '<' || c == '>').to_lowercase();
    Uuid::new_v5(&ACCOUNTS, normalised.as_bytes())
}

/// The CloudEvents `source` of an account's events.
pub fn source(account: Uuid) -> String {
    format!("answerback:/accounts/{account}")
}

/// The id of the event of this type that the message with this key gives for this send.
pub fn event_id(account: Uuid, send_id: &str, message_key: &str, event_type: EventType) -> Uuid {
    let key = MessageId::new(message_key);
    named(account, send_id, key.as_ref().map_or("", MessageId::as_str), event_type)
}

/// The id of the event that takes these events back; their order does not matter.
pub fn retract_id(account: Uuid, send_id: &str, event_ids: &[Uuid]) -> Uuid {
    let mut ids: Vec<String> = event_ids.iter().map(Uuid::to_string).collect();
    ids.sort_unstable();
    ids.dedup();
    named(account, send_id, &ids.join(","), EventType::Retract)
}

/// The id of the event that says that the account is checked up to this time.
pub fn coverage_id(account: Uuid, checked_up_to: Timestamp) -> Uuid {
    named(account, "", &checked_up_to.to_string(), EventType::Coverage)
}

fn named(account: Uuid, send_id: &str, key: &str, event_type: EventType) -> Uuid {
    Uuid::new_v5(&account, format!("{send_id}\0{key}\0{}", event_type.as_str()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The values were made with Python's `uuid.uuid5`, so that they don't depend on this code.
    #[test]
    fn ids_are_those_that_another_implementation_computes() {
        assert_eq!(ACCOUNTS, Uuid::new_v5(&Uuid::NAMESPACE_URL, b"answerback:/accounts/"));
        let account = account_id("rep@sales.example");
        assert_eq!(account.to_string(), "bc5da5b6-1d3c-51a9-8d13-511a245af461");
        assert_eq!(source(account), "answerback:/accounts/bc5da5b6-1d3c-51a9-8d13-511a245af461");
        let known = [
            (EventType::Stop, "be08173f-6425-5534-8786-50979a6410ca"),
            (EventType::Pause, "ad23e0ee-b2b3-5683-8856-84f4ac7c05a0"),
            (EventType::Suppress, "665f3099-1867-5685-b8a4-77d25af85d40"),
            (EventType::Log, "431e2094-0882-5657-ac47-fb4935a0e22a"),
        ];
        for (event_type, expected) in known {
            let id = event_id(account, "snd_1", "r1@flynnsarcade.com", event_type);
            assert_eq!(id.to_string(), expected, "{}", event_type.as_str());
        }
        let stop = event_id(account, "snd_1", "r1@flynnsarcade.com", EventType::Stop);
        let log = event_id(account, "snd_1", "r1@flynnsarcade.com", EventType::Log);
        assert_eq!(
            retract_id(account, "snd_1", &[stop, log]).to_string(),
            "54245a44-bdef-5575-92dd-b139de5a4e0d"
        );
        let checked = "2026-11-20T09:12:00Z".parse().unwrap();
        assert_eq!(coverage_id(account, checked).to_string(), "2d33c5c7-8e1d-5c47-add3-86875e39beb2");
    }

    #[test]
    fn spelling_does_not_make_another_event() {
        assert_eq!(account_id(" <Rep@Sales.Example> "), account_id("rep@sales.example"));
        let account = account_id("rep@sales.example");
        let id = |key| event_id(account, "snd_1", key, EventType::Stop);
        assert_eq!(id("<r1@FlynnsArcade.com>"), id("r1@flynnsarcade.com"));
        assert_ne!(id("R1@flynnsarcade.com"), id("r1@flynnsarcade.com"), "the left part is case sensitive");
        assert_ne!(
            id("r1@flynnsarcade.com"),
            event_id(account, "snd_2", "r1@flynnsarcade.com", EventType::Stop)
        );
        let (a, b) = (id("a@x"), id("b@x"));
        assert_eq!(retract_id(account, "snd_1", &[a, b]), retract_id(account, "snd_1", &[b, a, b]));
    }
}
