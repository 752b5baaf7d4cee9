//! Taking somebody who has answered out of Sales Engagement's cadences.

use serde_json::{Value, json};

use super::{Connector, text};
use crate::crm::CrmError;
use crate::event::{Stop, StopReason};
use crate::salesforce::error::Operation;
use crate::salesforce::people::{Person, Sort};
use crate::salesforce::soql::{is_in, quote};

const TRACKER: &str = "ActionCadenceTracker";
const ACTION: &str = "removeTargetFromSalesCadence";

impl Connector {
    /// Ends the cadences that somebody is in; tells whether there were any. A cadence that has ended is not ended again, so this can be repeated.
    pub(super) async fn end_cadences(&self, person: &Person, stop: &Stop) -> Result<bool, CrmError> {
        let cadence = stop.about.campaign_id.as_deref().and_then(|id| self.settings.mapping.cadence(id));
        let trackers = self.rest.query(TRACKER, &active(person, cadence.as_deref())).await?;
        let inputs: Vec<Value> = trackers
            .iter()
            .filter_map(|tracker| text(tracker, "Id"))
            .map(|id| {
                json!({
                    "actionCadenceTrackerId": id,
                    // The only code that the action takes.
                    "completionReasonCode": "ManuallyRemoved",
                    "completionDisposition": disposition(stop.reason),
                    // Cadences are run by the reps, not by the integration user.
                    "shouldApplyUserContext": false,
                })
            })
            .collect();
        if inputs.is_empty() {
            return Ok(false);
        }
        self.rest.action(Operation::Edit(TRACKER), ACTION, &inputs).await?;
        Ok(true)
    }
}

/// The query for the cadences that somebody is in: a reason is there once one has ended.
fn active(person: &Person, cadence: Option<&str>) -> String {
    let account = match &person.sort {
        Sort::PersonAccount { account } => Some(account.as_str()),
        Sort::Contact | Sort::Lead => None,
    };
    let target = is_in("TargetId", account.into_iter().chain([person.id.as_str()]));
    let of = cadence.map(|id| format!(" AND ActionCadenceId = {}", quote(id))).unwrap_or_default();
    format!("SELECT Id FROM {TRACKER} WHERE {target} AND CompletionReason = null{of} LIMIT 200")
}

/// As what the rep's list shows the end.
const fn disposition(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Reply | StopReason::CalendarResponse => "Customer Engaged",
        StopReason::OptOut | StopReason::Complaint => "Not Interested",
        StopReason::Bounce => "Bad Data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::salesforce::people::people;

    #[test]
    fn only_cadences_that_still_run_are_asked_for() {
        let record = json!({"Id": "003A", "Email": "a@x", "IsPersonAccount": true, "AccountId": "001A"});
        let people = people(&[record], &[], &[]);
        assert_eq!(
            active(&people[0], Some("77CA")),
            "SELECT Id FROM ActionCadenceTracker WHERE TargetId IN ('001A', '003A') AND CompletionReason = null \
             AND ActionCadenceId = '77CA' LIMIT 200"
        );
    }
}
