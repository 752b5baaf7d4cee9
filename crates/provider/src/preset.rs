//! Mail providers that many reps use: where their IMAP server is, and what they want the rep to do first.
//!
//! Only what a rep would otherwise have to look up in the provider's help pages.

/// What is known of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// What it calls itself.
    pub name: &'static str,
    /// The domains of its own addresses.
    pub domains: &'static [&'static str],
    /// How the names of its mail exchangers end, for organisations that keep their mail there.
    pub exchangers: &'static [&'static str],
    /// Its IMAP server; always port 993 with TLS, except for a bridge.
    pub host: &'static str,
    /// What the rep has to do there first.
    pub first: FirstStep,
    /// The provider's own page on which to do it.
    pub page: Option<&'static str>,
    /// Its sign-in page, as `oauth::Provider` reads it.
    pub oauth: Option<&'static str>,
}

/// What a provider wants before it lets a mail program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStep {
    /// Nothing: the usual password does.
    Password,
    /// A password made for one program only.
    AppPassword,
    /// IMAP is off until it is switched on in the settings; the usual password may do then.
    SwitchedOn,
    /// Only signing in through the browser; no password is taken.
    Browser,
    /// The provider's own program beside this one, which gives a password.
    Bridge,
}

const fn preset(
    name: &'static str,
    domains: &'static [&'static str],
    exchangers: &'static [&'static str],
    host: &'static str,
    first: FirstStep,
    page: &'static str,
) -> Preset {
    Preset { name, domains, exchangers, host, first, page: Some(page), oauth: None }
}

/// The table.
pub const PRESETS: &[Preset] = &[
    Preset {
        oauth: Some("google"),
        ..preset(
            "Gmail",
            &["gmail.com", "googlemail.com"],
            &["google.com", "googlemail.com"],
            "imap.gmail.com",
            FirstStep::AppPassword,
            "https://myaccount.google.com/apppasswords",
        )
    },
    Preset {
        oauth: Some("microsoft"),
        page: None,
        ..preset(
            "Outlook.com",
            &["outlook.com", "outlook.es", "outlook.de", "outlook.fr", "hotmail.com", "live.com", "msn.com"],
            &[],
            "outlook.office365.com",
            FirstStep::Browser,
            "",
        )
    },
    Preset {
        oauth: Some("microsoft"),
        page: None,
        ..preset(
            "Microsoft 365",
            &[],
            &["mail.protection.outlook.com", "mx.microsoft", "olc.protection.outlook.com"],
            "outlook.office365.com",
            FirstStep::Browser,
            "",
        )
    },
    preset(
        "iCloud Mail",
        &["icloud.com", "me.com", "mac.com"],
        &["mail.icloud.com"],
        "imap.mail.me.com",
        FirstStep::AppPassword,
        "https://account.apple.com/account/manage",
    ),
    Preset {
        oauth: Some("yahoo"),
        ..preset(
            "Yahoo Mail",
            &["yahoo.com", "yahoo.es", "yahoo.co.uk", "yahoo.fr", "yahoo.de", "yahoo.it", "ymail.com"],
            &["yahoodns.net"],
            "imap.mail.yahoo.com",
            FirstStep::AppPassword,
            "https://login.yahoo.com/account/security",
        )
    },
    preset(
        "AOL Mail",
        &["aol.com"],
        &[],
        "imap.aol.com",
        FirstStep::AppPassword,
        "https://login.aol.com/account/security",
    ),
    preset(
        "Fastmail",
        &["fastmail.com", "fastmail.fm"],
        &["messagingengine.com"],
        "imap.fastmail.com",
        FirstStep::AppPassword,
        "https://app.fastmail.com/settings/security/apps",
    ),
    preset(
        "GMX",
        &["gmx.com", "gmx.us", "gmx.co.uk"],
        &[],
        "imap.gmx.com",
        FirstStep::SwitchedOn,
        "https://www.gmx.com",
    ),
    preset(
        "GMX",
        &["gmx.de", "gmx.net", "gmx.at", "gmx.ch"],
        &[],
        "imap.gmx.net",
        FirstStep::SwitchedOn,
        "https://www.gmx.net",
    ),
    preset("WEB.DE", &["web.de"], &[], "imap.web.de", FirstStep::SwitchedOn, "https://web.de"),
    preset(
        "Zoho Mail",
        &["zohomail.com", "zoho.com"],
        &[],
        "imap.zoho.com",
        FirstStep::SwitchedOn,
        "https://mail.zoho.com",
    ),
    // Addresses of an organisation's own domain have servers of their own, by region.
    preset(
        "Zoho Mail",
        &[],
        &["mx.zoho.com", "mx2.zoho.com", "mx3.zoho.com"],
        "imappro.zoho.com",
        FirstStep::SwitchedOn,
        "https://mail.zoho.com",
    ),
    preset(
        "Zoho Mail",
        &["zohomail.eu"],
        &["mx.zoho.eu", "mx2.zoho.eu", "mx3.zoho.eu"],
        "imappro.zoho.eu",
        FirstStep::SwitchedOn,
        "https://mail.zoho.eu",
    ),
    preset(
        "Yandex Mail",
        &["yandex.com", "yandex.ru", "ya.ru"],
        &["mx.yandex.net", "mx.yandex.ru"],
        "imap.yandex.com",
        FirstStep::AppPassword,
        "https://id.yandex.com/security/app-passwords",
    ),
    preset(
        "Mail.ru",
        &["mail.ru", "bk.ru", "list.ru", "inbox.ru"],
        &["mxs.mail.ru"],
        "imap.mail.ru",
        FirstStep::AppPassword,
        "https://account.mail.ru/user/2-step-auth/passwords",
    ),
    // Its "authorisation code" is an app password.
    preset("NetEase", &["163.com"], &[], "imap.163.com", FirstStep::AppPassword, "https://mail.163.com"),
    preset("NetEase", &["126.com"], &[], "imap.126.com", FirstStep::AppPassword, "https://mail.126.com"),
    preset(
        "QQ Mail",
        &["qq.com", "foxmail.com"],
        &[],
        "imap.qq.com",
        FirstStep::AppPassword,
        "https://mail.qq.com",
    ),
    preset(
        "Proton Mail",
        &["proton.me", "protonmail.com", "pm.me"],
        &["protonmail.ch"],
        "127.0.0.1",
        FirstStep::Bridge,
        "https://proton.me/mail/bridge",
    ),
];

/// The provider whose own addresses end with this domain.
pub fn of_domain(domain: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.domains.iter().any(|known| known.eq_ignore_ascii_case(domain)))
}

/// The provider that a mail exchanger belongs to.
pub fn of_exchanger(host: &str) -> Option<&'static Preset> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let ends =
        |known: &&str| host == **known || host.strip_suffix(*known).is_some_and(|rest| rest.ends_with('.'));
    PRESETS.iter().find(|preset| preset.exchangers.iter().any(ends))
}

/// The provider that a domain's Autodiscover service turns out to be. It tells an organisation at Microsoft 365 whose mail
/// passes a filter of somebody else's first, so that its mail exchangers tell nothing.
pub fn of_autodiscover(host: &str) -> Option<&'static Preset> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let at_microsoft = ["outlook.com", "office365.us"]
        .iter()
        .any(|known| host.strip_suffix(known).is_some_and(|rest| rest.ends_with('.')));
    PRESETS.iter().find(|preset| at_microsoft && preset.name == "Microsoft 365")
}

/// The provider that an IMAP server belongs to.
pub fn of_server(host: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.first != FirstStep::Bridge && preset.host.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_domain_belongs_to_two_providers_and_every_page_is_https() {
        for names in [|preset: &Preset| preset.domains, |preset: &Preset| preset.exchangers] {
            let mut all: Vec<_> = PRESETS.iter().flat_map(names).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
        assert!(PRESETS.iter().filter_map(|preset| preset.page).all(|page| page.starts_with("https://")));
    }

    #[test]
    fn an_exchanger_tells_the_provider_and_a_lookalike_does_not() {
        for (host, name) in [
            ("aspmx.l.google.com.", Some("Gmail")),
            ("sales-example.mail.protection.outlook.com", Some("Microsoft 365")),
            ("contoso-com.q-v1.mx.microsoft", Some("Microsoft 365")),
            ("in1-smtp.messagingengine.com", Some("Fastmail")),
            ("aspmx.notgoogle.com", None),
            ("mail.sales.example", None),
        ] {
            assert_eq!(of_exchanger(host).map(|preset| preset.name), name, "{host}");
        }
        assert!(of_autodiscover("autodiscover.outlook.com.").is_some());
        assert!(of_autodiscover("autodiscover.notoutlook.com").is_none());
        assert_eq!(of_domain("GMail.com").map(|preset| preset.host), Some("imap.gmail.com"));
    }
}
