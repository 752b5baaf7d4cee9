//! How addresses compare: sub-addresses, dots that Gmail ignores, organisations, free-mail providers.

use std::borrow::Cow;

/// Providers whose domains say nothing about where somebody works.
static FREE_MAIL: &str = include_str!("freemail.txt");

/// Local part and domain; `None` where there is no domain.
pub(crate) fn split(address: &str) -> Option<(&str, &str)> {
    address.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// The form in which two addresses of one mailbox are equal: without sub-address (RFC 5233), and without what the
/// provider ignores.
pub(crate) fn canonical(address: &str) -> Cow<'_, str> {
    let Some((local, domain)) = split(address) else { return Cow::Borrowed(address) };
    let is_lower = !address.bytes().any(|byte| byte.is_ascii_uppercase());
    let base = match local.split_once('+') {
        Some((base, _)) if !base.is_empty() => base,
        _ => local,
    };
    let one_domain = match domain.to_ascii_lowercase().as_str() {
        // One provider under several names, each user the same under all.
        "googlemail.com" => Some("gmail.com"),
        "me.com" | "mac.com" => Some("icloud.com"),
        "protonmail.com" | "pm.me" | "protonmail.ch" => Some("proton.me"),
        "ya.ru" | "yandex.com" | "yandex.by" | "yandex.kz" | "yandex.ua" => Some("yandex.ru"),
        _ => None,
    };
    let is_gmail = one_domain == Some("gmail.com") || domain.eq_ignore_ascii_case("gmail.com");
    if is_lower && base.len() == local.len() && one_domain.is_none() && !(is_gmail && local.contains('.')) {
        return Cow::Borrowed(address);
    }
    let base = base.to_lowercase();
    let base = if is_gmail { base.replace('.', "") } else { base };
    Cow::Owned(format!("{base}@{}", one_domain.map_or_else(|| domain.to_ascii_lowercase(), str::to_owned)))
}

/// Whether two addresses reach the same mailbox, as far as their form tells.
pub(crate) fn same_mailbox(one: &str, other: &str) -> bool {
    one == other || canonical(one) == canonical(other)
}

/// The registrable domain by the public suffix list: `mail.uk.encom.co.uk` gives `encom.co.uk`.
pub(crate) fn registrable(domain: &str) -> &str {
    psl::domain_str(domain).unwrap_or(domain)
}

/// Whether anybody can get an address there.
pub(crate) fn is_free_mail(domain: &str) -> bool {
    let registrable = registrable(domain);
    FREE_MAIL.lines().any(|line| line == registrable || line == domain)
}

/// The organisation behind an address: its registrable domain, unless that is a free-mail provider's.
pub(crate) fn organisation(address: &str) -> Option<&str> {
    let (_, domain) = split(address)?;
    let registrable = registrable(domain);
    (registrable.contains('.') && !is_free_mail(registrable)).then_some(registrable)
}

/// Whether `domain` is `parent` or below it.
pub(crate) fn is_within(domain: &str, parent: &str) -> bool {
    let parent = parent.trim_start_matches(['@', '.']);
    if parent.is_empty() || domain.len() < parent.len() {
        return false;
    }
    let (below, tail) = domain.split_at_checked(domain.len() - parent.len()).unwrap_or(("", domain));
    tail.eq_ignore_ascii_case(parent) && (below.is_empty() || below.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_mailbox_are_equal() {
        for (one, other, same) in [
            ("flynn@encom.com", "flynn@encom.com", true),
            ("flynn@encom.com", "flynn+arcade@encom.com", true),
            ("Flynn@Encom.com", "flynn@encom.com", true),
            ("k.flynn@gmail.com", "kflynn@googlemail.com", true),
            ("k.flynn+x@gmail.com", "kflynn@gmail.com", true),
            ("flynn@me.com", "flynn@icloud.com", true),
            ("k.flynn@encom.com", "kflynn@encom.com", false),
            ("flynn@encom.com", "flynn@encom.org", false),
            ("+x@encom.com", "@encom.com", false),
        ] {
            assert_eq!(same_mailbox(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn organisations_are_registrable_domains_and_never_free_mail_providers() {
        for (address, expected) in [
            ("a@encom.com", Some("encom.com")),
            ("a@mail.uk.encom.co.uk", Some("encom.co.uk")),
            ("a@gmail.com", None),
            ("a@web.de", None),
            ("a@yahoo.co.uk", None),
            ("a@localhost", None),
            ("a", None),
        ] {
            assert_eq!(organisation(address), expected, "{address}");
        }
    }

    #[test]
    fn subdomains_are_within_their_domain() {
        assert!(is_within("sales.example", "sales.example"));
        assert!(is_within("eu.sales.example", "Sales.example"));
        assert!(is_within("sales.example", "@sales.example"));
        assert!(!is_within("presales.example", "sales.example"));
        assert!(!is_within("example", "sales.example"));
        assert!(!is_within("sales.example", ""));
    }
}
