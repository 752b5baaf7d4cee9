//! Whose sign-in page it is, and what is different there.

use std::fmt;
use std::str::FromStr;

use answerback_keychain::Secret;

use super::OauthError;
use super::issuer::Endpoints;

/// Whose sign-in page it is. As text: `google`, `microsoft`, `yahoo`, or an issuer's URL.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Provider {
    /// Gmail and Google Workspace.
    Google,
    /// Outlook.com and Microsoft 365.
    Microsoft,
    /// Yahoo Mail.
    Yahoo,
    /// Any other, by its issuer URL (OpenID Connect Discovery, RFC 8414).
    Issuer(String),
    /// An organisation's Salesforce, by its My Domain address or the host that people sign in at.
    Salesforce(String),
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
            Self::Yahoo => "yahoo",
            Self::Issuer(url) | Self::Salesforce(url) => url,
        })
    }
}

impl FromStr for Provider {
    type Err = OauthError;

    fn from_str(text: &str) -> Result<Self, OauthError> {
        match text {
            "google" => Ok(Self::Google),
            "microsoft" => Ok(Self::Microsoft),
            "yahoo" => Ok(Self::Yahoo),
            url => {
                let parsed = reqwest::Url::parse(url).map_err(|_| OauthError::Url)?;
                if crate::http::is_safe(&parsed) {
                    Ok(Self::Issuer(url.to_owned()))
                } else {
                    Err(OauthError::Url)
                }
            }
        }
    }
}

/// The ports of this computer that Salesforce may send the browser to; the next where one is in use. Below those that systems give away
/// by themselves.
const SALESFORCE_PORTS: [u16; 3] = [27171, 27172, 27173];
const SALESFORCE_PATH: &str = "/salesforce";

/// The callback URLs that an app for Salesforce must name.
pub fn salesforce_callbacks() -> impl Iterator<Item = String> {
    SALESFORCE_PORTS.into_iter().map(|port| format!("http://localhost:{port}{SALESFORCE_PATH}"))
}

/// Where the browser comes back to.
pub(super) struct Redirect {
    /// What the browser calls this computer.
    pub(super) host: &'static str,
    /// The first that is free is taken; 0 is any.
    pub(super) ports: &'static [u16],
    pub(super) path: &'static str,
}

/// This program as a provider knows it.
#[derive(Clone, Debug)]
pub struct OauthClient {
    /// Where it is registered.
    pub provider: Provider,
    /// Its id there.
    pub client_id: String,
    /// Google gives one to desktop programs and refuses them without it, though it is no secret (RFC 8252 §8.5).
    pub client_secret: Option<Secret>,
    /// What to ask for, instead of what the provider's IMAP needs.
    pub scopes: Vec<String>,
    /// The Microsoft directory: a tenant's id or domain, `organizations`, or `common` (the default).
    pub tenant: Option<String>,
    /// Microsoft's sign-in service; that of the public cloud when it is not set. National clouds have others.
    pub authority: Option<String>,
}

/// The sign-in service of Microsoft's public cloud.
const MICROSOFT: &str = "https://login.microsoftonline.com";

impl OauthClient {
    /// What to ask for.
    pub(super) fn scopes(&self) -> Vec<String> {
        if !self.scopes.is_empty() {
            return self.scopes.clone();
        }
        let scopes: &[&str] = match &self.provider {
            // The only one that opens IMAP.
            Provider::Google => &["https://mail.google.com/"],
            Provider::Microsoft => &["https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"],
            Provider::Yahoo => &["mail-r"],
            Provider::Issuer(_) => &["openid", "email", "offline_access"],
            Provider::Salesforce(_) => &["api", "refresh_token"],
        };
        scopes.iter().map(ToString::to_string).collect()
    }

    /// What the sign-in page is asked for beside the standard's fields.
    pub(super) fn extras(&self) -> &'static [(&'static str, &'static str)] {
        match self.provider {
            // A refresh token comes only with both, and the second time only after consent.
            Provider::Google => &[("access_type", "offline"), ("prompt", "consent")],
            _ => &[],
        }
    }

    /// Where the browser comes back to. Microsoft ignores the port of `localhost` and only of it, and compares the rest with what
    /// was registered, which has no path; Google advises the number, which no name service can turn elsewhere (RFC 8252 §8.3).
    /// Salesforce compares everything, and takes plain http for `localhost` only.
    pub(super) fn redirect(&self) -> Redirect {
        match self.provider {
            Provider::Microsoft => Redirect { host: "localhost", ports: &[0], path: "" },
            Provider::Salesforce(_) => {
                Redirect { host: "localhost", ports: &SALESFORCE_PORTS, path: SALESFORCE_PATH }
            }
            _ => Redirect { host: "127.0.0.1", ports: &[0], path: "" },
        }
    }

    /// The provider's addresses, where they are well known.
    pub(super) fn endpoints(&self) -> Option<Endpoints> {
        let (authorization, token) = match &self.provider {
            Provider::Google => (
                "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
                "https://oauth2.googleapis.com/token".to_owned(),
            ),
            Provider::Microsoft => {
                let tenant = self.tenant.as_deref().unwrap_or("common");
                let at = |what| format!("{}/{tenant}/oauth2/v2.0/{what}", self.authority());
                (at("authorize"), at("token"))
            }
            Provider::Yahoo => (
                "https://api.login.yahoo.com/oauth2/request_auth".to_owned(),
                "https://api.login.yahoo.com/oauth2/get_token".to_owned(),
            ),
            Provider::Salesforce(url) => {
                let at = |what| format!("{}/services/oauth2/{what}", url.trim_end_matches('/'));
                (at("authorize"), at("token"))
            }
            Provider::Issuer(_) => return None,
        };
        Some(Endpoints { authorization, token, issuer: None })
    }

    fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or(MICROSOFT).trim_end_matches('/')
    }

    /// The page on which an administrator allows this program for a whole Microsoft directory.
    /// <https://learn.microsoft.com/entra/identity-platform/v2-admin-consent>
    pub fn admin_page(&self) -> Option<String> {
        if self.provider != Provider::Microsoft {
            return None;
        }
        // `common` also means personal accounts, which have no administrator.
        let tenant = self.tenant.as_deref().filter(|tenant| *tenant != "common").unwrap_or("organizations");
        Some(format!("{}/{tenant}/adminconsent?client_id={}", self.authority(), self.client_id))
    }
}

/// Whether what was granted holds what the mail server needs. Microsoft spells scopes in another case than they were asked
/// for and leaves out Graph's own URL before them, and none repeats those that are about the sign-in itself.
pub(super) fn grants_enough(asked: &[String], granted: &[String]) -> bool {
    const ABOUT_SIGN_IN: [&str; 5] = ["openid", "email", "profile", "offline_access", "refresh_token"];
    let same = |given: &String, asked: &String| {
        let bare =
            if given.contains("://") { asked.as_str() } else { asked.rsplit('/').next().unwrap_or(asked) };
        given.eq_ignore_ascii_case(bare)
    };
    asked
        .iter()
        .filter(|scope| !ABOUT_SIGN_IN.contains(&scope.as_str()))
        .all(|scope| granted.iter().any(|given| same(given, scope)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_read_as_they_are_written() {
        for text in
            ["google", "microsoft", "yahoo", "https://login.sales.example/realms/x", "http://127.0.0.1:9"]
        {
            assert_eq!(text.parse::<Provider>().unwrap().to_string(), text);
        }
        for wrong in ["", "gogle", "http://login.sales.example", "ftp://x"] {
            assert!(wrong.parse::<Provider>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_permission_that_the_rep_left_out_is_noticed() {
        let list = |scopes: &[&str]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
        let asked = list(&["https://outlook.office.com/IMAP.AccessAsUser.All", "offline_access"]);
        assert!(grants_enough(&asked, &list(&["https://outlook.office.com/imap.accessasuser.all"])));
        assert!(!grants_enough(&asked, &list(&["openid", "email"])));
        assert!(grants_enough(&list(&["openid", "email"]), &[]));
        let asked = list(&["https://graph.microsoft.com/Mail.Read", "offline_access"]);
        for (granted, enough) in [
            (&["openid", "Mail.Read"][..], true),
            (&["https://graph.microsoft.com/mail.read"], true),
            (&["Mail.ReadBasic"], false),
            (&["https://outlook.office.com/Mail.Read"], false),
        ] {
            assert_eq!(grants_enough(&asked, &list(granted)), enough, "{granted:?}");
        }
    }

    #[test]
    fn the_administrators_page_is_that_of_the_directory_and_its_cloud() {
        let client = |provider, tenant: Option<&str>, authority: Option<&str>| OauthClient {
            provider,
            client_id: "id-1".into(),
            client_secret: None,
            scopes: vec![],
            tenant: tenant.map(Into::into),
            authority: authority.map(Into::into),
        };
        for (tenant, authority, page) in [
            (None, None, "https://login.microsoftonline.com/organizations/adminconsent?client_id=id-1"),
            (
                Some("common"),
                None,
                "https://login.microsoftonline.com/organizations/adminconsent?client_id=id-1",
            ),
            (
                Some("sales.example"),
                Some("https://login.microsoftonline.us/"),
                "https://login.microsoftonline.us/sales.example/adminconsent?client_id=id-1",
            ),
        ] {
            let client = client(Provider::Microsoft, tenant, authority);
            assert_eq!(client.admin_page().as_deref(), Some(page));
        }
        assert_eq!(client(Provider::Google, None, None).admin_page(), None);
    }
}
