//! Who the author of an answer is to the send.

use crate::{Identity, Relation, address, index::Send, message::Message};

/// The author's relation to the send; `None` where there is no author.
pub(crate) fn of(message: &Message, send: &Send<'_>, me: &Identity) -> Option<Relation> {
    let author = message.from.as_deref()?;
    let name = message.from_name.as_deref().unwrap_or_default();
    let (_, domain) = address::split(author)?;
    Some(if address::same_mailbox(author, send.prospect) {
        Relation::Prospect
    } else if me.colleagues.iter().any(|colleagues| address::is_within(domain, colleagues)) {
        Relation::Colleague
    } else if send.to().chain(send.cc()).any(|known| address::same_mailbox(author, known)) {
        Relation::Copied
    } else if is_same_person(author, name, send) {
        Relation::SamePersonOtherAddress
    } else if same_organisation(author, send) {
        Relation::SameDomain
    } else {
        Relation::Other
    })
}

/// Somebody at the organisation of the prospect or of another recipient.
fn same_organisation(author: &str, send: &Send<'_>) -> bool {
    let Some(organisation) = address::organisation(author) else { return false };
    send.participants().any(|known| address::organisation(known) == Some(organisation))
}

/// Whether name and address say that the author is the prospect.
///
/// A name counts when at least two of its words agree, whatever the address; a single word only within the prospect's
/// organisation, where it also may be the local part: Kevin Flynn, who got the mail as flynn@, answers as kevinf@.
pub(crate) fn is_same_person(author: &str, display_name: &str, send: &Send<'_>) -> bool {
    let Some((author_local, author_domain)) = address::split(author) else { return false };
    let Some((prospect_local, prospect_domain)) = address::split(send.prospect) else {
        return names_agree(&words(display_name), &words(send.name));
    };
    let author_name = words(display_name);
    let prospect_name = words(send.name);
    if names_agree(&author_name, &prospect_name) {
        return true;
    }
    let same_organisation = address::organisation(author)
        .is_some_and(|organisation| address::organisation(send.prospect) == Some(organisation));
    if same_organisation
        && is_personal(prospect_local)
        && author_local == prospect_local
        && author_domain != prospect_domain
    {
        // flynn@mail.encom.com for flynn@encom.com.
        return true;
    }
    // The prospect's name in the author's local part: kevin.flynn@ anywhere, kflynn@ or kevinf@ at the organisation.
    if spells_whole_name(author_local, &prospect_name)
        || (author_name.len() >= 2 && spells_whole_name(prospect_local, &author_name))
    {
        return true;
    }
    if !same_organisation || !is_personal(prospect_local) {
        return false;
    }
    let abbreviates =
        |local: &str, name: &[String]| abbreviations(name).any(|abbreviation| abbreviation == letters(local));
    abbreviates(author_local, &prospect_name)
        || (author_name.len() >= 2 && abbreviates(prospect_local, &author_name))
        // A local part that is a last name (or a first name of some length) of the author.
        || (author_name.len() >= 2
            && prospect_name.is_empty()
            && author_name.iter().any(|word| word.chars().count() >= 4 && *word == letters(prospect_local)))
}

/// Shared addresses belong to nobody: an answer from sales@'s colleague is a colleague's.
fn is_personal(local: &str) -> bool {
    const ROLES: &[&str] = &[
        "info",
        "sales",
        "contact",
        "office",
        "hello",
        "support",
        "admin",
        "mail",
        "team",
        "service",
        "help",
        "marketing",
        "billing",
        "accounts",
        "hr",
        "jobs",
        "press",
        "kontakt",
        "ventas",
        "contacto",
        "vertrieb",
        "buero",
    ];
    !ROLES.contains(&local)
}

/// The words of a name that tell people apart, in lower case: no titles, initials or what stands in brackets.
fn words(name: &str) -> Vec<String> {
    let name = name.split(['(', '[', '|', '/']).next().unwrap_or_default();
    // "Kevin Flynn via LinkedIn", "Kevin Flynn - Encom": what follows is no name.
    let name = name.split(" via ").next().unwrap_or_default();
    let name = name.split(" - ").next().unwrap_or_default();
    name.split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .map(|word| {
            word.trim_matches('\'')
                .chars()
                .flat_map(char::to_lowercase)
                .flat_map(without_accent)
                .collect::<String>()
        })
        .filter(|word| {
            word.chars().count() >= 2
                && !word.chars().all(|c| c.is_ascii_digit())
                && !TITLES.contains(&word.as_str())
        })
        .collect()
}

const TITLES: &[&str] = &[
    "dr", "prof", "mr", "mrs", "ms", "herr", "frau", "sr", "sra", "mme", "dipl", "ing", "jr", "phd", "mba",
    "von", "van", "de",
];

/// The base letter of an accented one.
fn without_accent(c: char) -> impl Iterator<Item = char> {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)).collect::<Vec<_>>().into_iter()
}

/// At least two words of the shorter name stand in the longer, and none of it is missing there.
fn names_agree(one: &[String], other: &[String]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    short.len() >= 2 && short.iter().all(|word| long.contains(word))
}

fn letters(local: &str) -> String {
    local.chars().filter(|c| c.is_alphabetic()).collect()
}

/// kevin.flynn, flynn_kevin, kevinflynn: first and last word of the name and nothing else.
fn spells_whole_name(local: &str, name: &[String]) -> bool {
    let (Some(first), Some(last)) = (name.first(), name.last()) else { return false };
    let local = letters(local);
    name.len() >= 2 && (local == format!("{first}{last}") || local == format!("{last}{first}"))
}

/// kflynn, kevinf, flynnk, fkevin, and the last name alone.
fn abbreviations(name: &[String]) -> impl Iterator<Item = String> {
    let (first, last) = match name {
        [first, .., last] => (first.as_str(), last.as_str()),
        _ => ("", ""),
    };
    let initial = |word: &str| word.chars().next().map(String::from).unwrap_or_default();
    let (f, l) = (initial(first), initial(last));
    [
        format!("{f}{last}"),
        format!("{first}{l}"),
        format!("{last}{f}"),
        format!("{l}{first}"),
        last.to_owned(),
        first.to_owned(),
    ]
    .into_iter()
    .filter(|abbreviation| abbreviation.chars().count() >= 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SendIndex, TrackedSend};

    fn relation(author: &str, prospect_name: Option<&str>, to: &[&str], cc: &[&str]) -> Relation {
        let send: TrackedSend = serde_json::from_value(serde_json::json!({
            "id": "snd_1", "message_ids": ["<s1@sales.example>"], "sent_at": "2026-11-18T08:00:00Z", "to": to, "cc": cc,
            "prospect": {"id": "p_1", "email": to.first(), "name": prospect_name},
        }))
        .unwrap();
        let mut index = SendIndex::new();
        index.insert(&send);
        let me = Identity {
            addresses: vec!["rep@sales.example".into()],
            colleagues: vec!["sales.example".into()],
        };
        let message = Message::from_header(format!("From: {author}\n\n").as_bytes());
        of(&message, &index.by_participant(to[0]).next().unwrap(), &me).unwrap()
    }

    #[test]
    fn the_author_is_known_by_address_name_and_organisation() {
        use Relation::*;
        let flynn = Some("Kevin Flynn");
        for (author, name, to, cc, expected) in [
            ("flynn@flynnsarcade.com", flynn, "flynn@flynnsarcade.com", "", Prospect),
            ("flynn+sales@flynnsarcade.com", flynn, "flynn@flynnsarcade.com", "", Prospect),
            ("k.flynn@googlemail.com", None, "kflynn@gmail.com", "", Prospect),
            (
                "Kevin Flynn <kevinf@flynnsarcade.com>",
                flynn,
                "flynn@flynnsarcade.com",
                "",
                SamePersonOtherAddress,
            ),
            ("kevinf@flynnsarcade.com", flynn, "flynn@flynnsarcade.com", "", SamePersonOtherAddress),
            (
                "Kevin Flynn <kevinf@flynnsarcade.com>",
                None,
                "flynn@flynnsarcade.com",
                "",
                SamePersonOtherAddress,
            ),
            ("Kevin Flynn <kf1982@gmail.com>", flynn, "flynn@flynnsarcade.com", "", SamePersonOtherAddress),
            (
                "\"Flynn, Kevin (ENCOM)\" <kf1982@gmail.com>",
                flynn,
                "flynn@flynnsarcade.com",
                "",
                SamePersonOtherAddress,
            ),
            ("kevin.flynn@gmail.com", flynn, "flynn@flynnsarcade.com", "", SamePersonOtherAddress),
            ("flynn@mail.flynnsarcade.com", None, "flynn@flynnsarcade.com", "", SamePersonOtherAddress),
            (
                "René Müller <rm@x.example>",
                Some("Rene Muller"),
                "r@flynnsarcade.com",
                "",
                SamePersonOtherAddress,
            ),
            ("Alan Bradley <alan@encom.com>", flynn, "flynn@flynnsarcade.com", "alan@encom.com", Copied),
            ("Lora Baines <lora@encom.com>", flynn, "flynn@flynnsarcade.com", "alan@encom.com", SameDomain),
            ("Sam <sam@eu.flynnsarcade.com>", flynn, "flynn@flynnsarcade.com", "", SameDomain),
            ("Ed <ed@flynnsarcade.co.uk>", flynn, "flynn@dillinger.co.uk", "", Other),
            ("Ed <ed@gmail.com>", flynn, "flynn@gmail.com", "", Other),
            ("Kevin <kevin@gmail.com>", flynn, "flynn@gmail.com", "", Other),
            ("info@flynnsarcade.com", None, "sales@flynnsarcade.com", "", SameDomain),
            ("boss@sales.example", flynn, "flynn@flynnsarcade.com", "boss@sales.example", Colleague),
            ("boss@eu.sales.example", flynn, "flynn@flynnsarcade.com", "", Colleague),
            ("Sam Flynn <sam@encom.org>", flynn, "flynn@flynnsarcade.com", "", Other),
        ] {
            let cc: Vec<&str> = Some(cc).filter(|cc| !cc.is_empty()).into_iter().collect();
            assert_eq!(relation(author, name, &[to], &cc), expected, "{author}");
        }
    }
}
