//! Salesforce's errors for the rep.

use answerback_backend::crm::CrmError;
use answerback_backend::{BackendError, Unreachable};
use answerback_provider::OauthError;

use crate::view::Problem;

const AGAIN: &str = "It is tried again by itself; nothing is lost meanwhile.";
const ASK: &str = "Ask your Salesforce administrator for it. It is tried again by itself.";

impl Problem {
    /// Salesforce's trouble, about its `url`.
    pub(crate) fn of_salesforce(error: &CrmError, url: &str) -> Self {
        let down = |code: &str| Self::new(code, url, format!("{url} can't be reached."), AGAIN);
        match error {
            CrmError::Connection(BackendError::Unreachable { why, .. }) => match why {
                Unreachable::UnknownHost => {
                    let remedy = "Check the address of [salesforce] and your network.";
                    Self::new("unknown_host", url, format!("There is no {url}."), remedy)
                }
                Unreachable::NoNetwork => down("no_network"),
                Unreachable::Refused | Unreachable::Timeout | Unreachable::Broken => down("backend_down"),
            },
            CrmError::Connection(BackendError::Certificate { .. }) => Self::new(
                "backend_certificate",
                url,
                format!("The certificate of {url} is not trusted."),
                "Ask your administrator for the organisation's root certificate, and name it as ca_file.",
            ),
            CrmError::Connection(BackendError::TlsSetup(why)) => {
                Self::new("certificate", url, why, "Check the file with the root certificate.")
            }
            CrmError::Connection(error) => Self::new(
                "settings",
                url,
                format!("{url} does not answer as Salesforce does: {error}"),
                "Check the address of [salesforce]: it is your My Domain, such as https://acme.my.salesforce.com.",
            ),
            CrmError::Settings(why) => {
                Self::new("settings", url, why, "Correct [salesforce] in the configuration.")
            }
            CrmError::SignIn(why) => {
                Self::new("sign_in_again", url, *why, "Sign in to Salesforce again through the browser.")
            }
            CrmError::RequestLimit | CrmError::Throttled { .. } => {
                Self::new("salesforce_requests", url, error.to_string(), AGAIN)
            }
            CrmError::Forbidden { .. } => Self::new("salesforce_permission", url, error.to_string(), ASK),
            CrmError::Journal(_) => Self::new("store_unavailable", url, error.to_string(), AGAIN),
            _ => Self::new("backend_down", url, error.to_string(), AGAIN),
        }
    }

    /// The trouble of signing in to Salesforce, about its `url`.
    pub(crate) fn of_salesforce_sign_in(error: &OauthError, url: &str) -> Self {
        let problem = Self::of_oauth(error, url);
        let remedy = match error {
            OauthError::Denied => {
                "Sign in again and allow Answerback to use Salesforce in your name.".to_owned()
            }
            OauthError::ScopeMissing => {
                "Ask your administrator to give the External Client App the scopes api and refresh_token."
                    .to_owned()
            }
            OauthError::Blocked { client_id } | OauthError::TimedOut { client_id } => format!(
                "If Salesforce says that the app is blocked, ask your administrator to allow you the External Client App {client_id}. \
                 Then sign in again."
            ),
            OauthError::BadClient { client_id, .. } => {
                let callbacks: Vec<String> = answerback_provider::salesforce_callbacks().collect();
                format!(
                    "Ask your administrator to check the client id {client_id}, that the External Client App wants no secret, and that \
                     its callback URLs are {}. A new app needs some minutes before it is known.",
                    callbacks.join(", ")
                )
            }
            OauthError::SignInAgain => "Sign in to Salesforce again through the browser.".to_owned(),
            OauthError::Setup(_) => {
                "Close the program that uses the ports 27171 to 27173, and try again.".to_owned()
            }
            _ => return problem,
        };
        let summary = match error {
            OauthError::ScopeMissing => "Salesforce gave less than Answerback needs.".to_owned(),
            OauthError::SignInAgain => {
                "Nobody is signed in to Salesforce, or the sign-in is no longer valid.".to_owned()
            }
            _ => problem.summary.clone(),
        };
        Self { remedy, summary, ..problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://acme.my.salesforce.com";

    #[test]
    fn a_sign_in_that_salesforce_refused_names_what_the_administrator_must_set() {
        let bad = OauthError::BadClient { host: "x".into(), client_id: "3MVG9".into() };
        let problem = Problem::of_salesforce_sign_in(&bad, URL);
        assert!(problem.remedy.contains("http://localhost:27171/salesforce"), "{}", problem.remedy);
        assert!(problem.needs_somebody());
        assert_eq!(Problem::of_salesforce_sign_in(&OauthError::SignInAgain, URL).code, "sign_in_again");
    }

    #[test]
    fn a_permission_that_is_missing_is_named_and_tried_again() {
        let error =
            CrmError::Forbidden { code: "X".into(), needs: "“Read” on Contact.".into(), optional: false };
        let problem = Problem::of_salesforce(&error, URL);
        assert!(problem.summary.contains("“Read” on Contact") && problem.remedy.contains("administrator"));
    }
}
