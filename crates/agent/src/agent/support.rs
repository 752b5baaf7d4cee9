//! What a rep can give to whoever helps: how everything stands, without addresses, secrets and mail.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::Agent;
use crate::redact::redacted;
use crate::view::{AccountView, BackendView, Check, Problem};

impl Agent {
    /// A report for whoever helps. `about` says what this program is, `log` is what it has logged. Email addresses are
    /// shortened; subjects, texts and secrets are not in it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn support_report(&self, about: &str, log: &[String]) -> Result<String, Problem> {
        let (overview, checks) = (self.overview().await?, self.doctor().await);
        let mut report = format!("{about}\n{}\n", Timestamp::now());
        let _ =
            writeln!(report, "\n== State ==\n{:?}, {} tracked sends", overview.state, overview.tracked_sends);
        overview.accounts.iter().for_each(|account| describe_account(&mut report, account));
        describe_backend(&mut report, &overview.backend);
        report.push_str("\n== Checks ==\n");
        checks.iter().for_each(|check| describe_check(&mut report, check));
        let _ = write!(report, "\n== Configuration ==\n{}", self.export_config()?);
        let _ = write!(report, "\n== Organisation ==\n{:?}\n", self.context.organisation());
        let _ = write!(report, "\n== Log ==\n{}\n", log.join("\n"));
        Ok(redacted(&report))
    }
}

fn describe_account(report: &mut String, account: &AccountView) {
    let checked = account.checked_up_to.as_deref().unwrap_or("never");
    let _ = writeln!(
        report,
        "Mailbox {} on {}: {:?}, checked up to {checked}, {} messages looked at",
        account.address, account.server, account.state, account.messages_seen
    );
    for folder in &account.folders {
        // The name of a folder may be a customer's.
        let state = if folder.scanned { "read" } else { "being read" };
        let _ = writeln!(report, "  a folder ({}): {state}, {}", folder.role, folder.messages_seen);
    }
    describe_problem(report, account.problem.as_ref());
}

fn describe_backend(report: &mut String, backend: &BackendView) {
    let _ = writeln!(
        report,
        "Backend {}: {:?}, {} waiting, {} delivered, {} refused, last contact {}",
        backend.url.as_deref().unwrap_or("none"),
        backend.state,
        backend.waiting,
        backend.delivered,
        backend.rejected,
        backend.last_contact.as_deref().unwrap_or("never")
    );
    describe_problem(report, backend.problem.as_ref());
}

fn describe_check(report: &mut String, check: &Check) {
    let detail = check.detail.as_deref().unwrap_or_default();
    let _ = writeln!(report, "{} {}: {:?} {detail}", check.name, check.about, check.state);
    describe_problem(report, check.problem.as_ref());
}

fn describe_problem(report: &mut String, problem: Option<&Problem>) {
    if let Some(problem) = problem {
        let _ = writeln!(report, "  {}: {}", problem.code, problem.summary);
    }
}
