//! Mail providers that many reps use: where their IMAP server is, and what they want as a password.
//!
//! Only what a rep would otherwise have to look up in the provider's help pages.

use crate::view::{MailboxSecurity, ProviderView, SignIn};

struct Provider {
    name: &'static str,
    domains: &'static [&'static str],
    host: &'static str,
    sign_in: SignIn,
    /// The provider's own page on which the password is made, or on which IMAP is switched on.
    page: Option<&'static str>,
}

const PROVIDERS: &[Provider] = &[
    Provider {
        name: "Gmail",
        domains: &["gmail.com", "googlemail.com"],
        host: "imap.gmail.com",
        sign_in: SignIn::AppPassword,
        page: Some("https://myaccount.google.com/apppasswords"),
    },
    Provider {
        name: "Outlook.com",
        domains: &["outlook.com", "hotmail.com", "live.com", "msn.com"],
        host: "outlook.office365.com",
        sign_in: SignIn::Browser,
        page: None,
    },
    Provider {
        name: "iCloud Mail",
        domains: &["icloud.com", "me.com", "mac.com"],
        host: "imap.mail.me.com",
        sign_in: SignIn::AppPassword,
        page: Some("https://account.apple.com/account/manage"),
    },
    Provider {
        name: "Yahoo Mail",
        domains: &["yahoo.com", "yahoo.es", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "yahoo.it", "ymail.com"],
        host: "imap.mail.yahoo.com",
        sign_in: SignIn::AppPassword,
        page: Some("https://login.yahoo.com/account/security"),
    },
    Provider {
        name: "AOL Mail",
        domains: &["aol.com"],
        host: "imap.aol.com",
        sign_in: SignIn::AppPassword,
        page: Some("https://login.aol.com/account/security"),
    },
    Provider {
        name: "Fastmail",
        domains: &["fastmail.com", "fastmail.fm"],
        host: "imap.fastmail.com",
        sign_in: SignIn::AppPassword,
        page: Some("https://app.fastmail.com/settings/security/apps"),
    },
    Provider {
        name: "GMX",
        domains: &["gmx.com", "gmx.us", "gmx.co.uk"],
        host: "imap.gmx.com",
        sign_in: SignIn::SwitchedOn,
        page: Some("https://www.gmx.com"),
    },
    Provider {
        name: "GMX",
        domains: &["gmx.de", "gmx.net", "gmx.at", "gmx.ch"],
        host: "imap.gmx.net",
        sign_in: SignIn::SwitchedOn,
        page: Some("https://www.gmx.net"),
    },
    Provider {
        name: "WEB.DE",
        domains: &["web.de"],
        host: "imap.web.de",
        sign_in: SignIn::SwitchedOn,
        page: Some("https://web.de"),
    },
    Provider {
        name: "Zoho Mail",
        domains: &["zohomail.com", "zoho.com"],
        host: "imap.zoho.com",
        sign_in: SignIn::SwitchedOn,
        page: Some("https://mail.zoho.com"),
    },
];

/// The provider of an address, as far as its domain says so.
pub fn of_address(address: &str) -> Option<ProviderView> {
    let (_, domain) = address.trim().rsplit_once('@')?;
    let known =
        |provider: &&Provider| provider.domains.iter().any(|known| known.eq_ignore_ascii_case(domain));
    let provider = PROVIDERS.iter().find(known)?;
    Some(ProviderView {
        name: provider.name.to_owned(),
        host: provider.host.to_owned(),
        port: 993,
        security: MailboxSecurity::Tls,
        sign_in: provider.sign_in,
        page: provider.page.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_known_domain_gives_the_server_and_what_to_do() {
        let gmail = of_address(" rep@GMail.com ").unwrap();
        assert_eq!((gmail.host.as_str(), gmail.port), ("imap.gmail.com", 993));
        assert_eq!(gmail.sign_in, SignIn::AppPassword);
        assert_eq!(of_address("rep@sales.example"), None);
        assert_eq!(of_address("gmail.com"), None);
    }

    #[test]
    fn no_domain_belongs_to_two_providers_and_every_page_is_https() {
        let mut domains: Vec<_> = PROVIDERS.iter().flat_map(|provider| provider.domains).collect();
        let count = domains.len();
        domains.sort_unstable();
        domains.dedup();
        assert_eq!(domains.len(), count);
        assert!(
            PROVIDERS.iter().filter_map(|provider| provider.page).all(|page| page.starts_with("https://"))
        );
    }
}
