//! What a person is shown: plain values for the settings window and the command line.
//!
//! Times are RFC 3339 strings, days are `YYYY-MM-DD`. Nothing here holds a secret or mail content beyond what the
//! rep's own screen needs (names, addresses, subjects).

mod backend;
mod draft;
mod history;
mod mailbox;
mod organisation;
mod overview;
mod pairing;
mod problem;
mod reply;
mod rules;
mod salesforce;
mod server;
mod sign_in;

pub use backend::{BackendDraft, BackendState, BackendView, OutboxRow, OutboxState};
pub use draft::{ExchangeServer, MailboxDraft, MailboxSecurity, ServerDraft};
pub use history::{DayCounts, History};
pub use mailbox::{AccountState, AccountView, Door, FolderView, ImportView, MailboxDetails};
pub use organisation::OrganisationView;
pub use overview::{Counts, Overview, OverviewState, PauseFor};
pub use pairing::{PairingState, PairingView};
pub use problem::{Check, CheckState, ClientView, Problem};
pub use reply::{
    EvidenceView, MessageText, ReasonView, ReplyDetail, ReplyFilter, ReplyPage, ReplyRow, SentEvent,
};
pub use rules::{ActionCounts, RuleChoice, RuleView, RulesPreview, RulesView};
pub use salesforce::{
    SalesforceDraft, SalesforceLog, SalesforceMapping, SalesforceMappingView, SalesforceSignIn,
    SalesforceUnknown, SalesforceView,
};
pub use server::{ServerView, SignIn};
pub use sign_in::{BrowserSignIn, SignInOutcome};
