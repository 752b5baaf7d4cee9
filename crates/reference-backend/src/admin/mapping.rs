//! The form that says what becomes what in Salesforce.

use std::collections::BTreeMap;

use answerback_backend::crm::{Fields, Unknown};
use answerback_backend::salesforce::{LogAs, Mapping};
use maud::{Markup, html};
use serde::Deserialize;

use super::session::Session;
use super::words::theirs;
use crate::store::overview::CampaignSummary;

/// The form as it was sent. A box that is not ticked is not there.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Sent {
    pub(super) form_token: String,
    log_as: String,
    unknown_people: String,
    campaigns: String,
    replied_status: String,
    end_cadences: Option<String>,
    relate_opportunity: Option<String>,
    stop_reason: String,
    paused_until: String,
}

impl Sent {
    /// As the form shows a mapping.
    pub fn of(mapping: &Mapping) -> Self {
        let campaigns: Vec<String> =
            mapping.campaigns.iter().map(|(ours, theirs)| format!("{ours} = {theirs}")).collect();
        let ticked = |is: bool| is.then(|| "on".to_owned());
        Self {
            form_token: String::new(),
            log_as: if mapping.log_as == LogAs::Task { "task" } else { "auto" }.into(),
            unknown_people: match mapping.unknown_people {
                Unknown::SetAside => "set_aside",
                Unknown::Create => "lead",
                Unknown::Skip => "skip",
            }
            .into(),
            campaigns: campaigns.join("\n"),
            replied_status: mapping.replied_status.clone(),
            end_cadences: ticked(mapping.end_cadences),
            relate_opportunity: ticked(mapping.relate_opportunity),
            stop_reason: mapping.fields.stop_reason.clone().unwrap_or_default(),
            paused_until: mapping.fields.paused_until.clone().unwrap_or_default(),
        }
    }

    /// What it says; else what is wrong with it.
    pub fn mapping(&self) -> Result<Mapping, String> {
        let field = |text: &str| Some(text.trim().to_owned()).filter(|name| !name.is_empty());
        let mapping = Mapping {
            log_as: if self.log_as == "task" { LogAs::Task } else { LogAs::Auto },
            unknown_people: match self.unknown_people.as_str() {
                "lead" => Unknown::Create,
                "skip" => Unknown::Skip,
                _ => Unknown::SetAside,
            },
            campaigns: campaigns(&self.campaigns)?,
            replied_status: self.replied_status.trim().to_owned(),
            end_cadences: self.end_cadences.is_some(),
            relate_opportunity: self.relate_opportunity.is_some(),
            fields: Fields { stop_reason: field(&self.stop_reason), paused_until: field(&self.paused_until) },
        };
        mapping.problem().map_or(Ok(mapping), Err)
    }
}

/// `PLATFORM'S ID = SALESFORCE'S ID`, one a line.
fn campaigns(text: &str) -> Result<BTreeMap<String, String>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| match line.rsplit_once('=') {
            Some((ours, theirs)) if !ours.trim().is_empty() => {
                Ok((ours.trim().to_owned(), theirs.trim().to_owned()))
            }
            _ => Err(format!("“{line}” is not of the form PLATFORM'S ID = SALESFORCE'S ID.")),
        })
        .collect()
}

/// The form, filled in. `known` are campaigns of the platform, to copy their ids from.
pub fn form(session: &Session, filled: &Sent, known: &[CampaignSummary]) -> Markup {
    let mapped = campaigns(&filled.campaigns).unwrap_or_default();
    let unmapped: Vec<_> = known.iter().filter(|campaign| !mapped.contains_key(&campaign.id)).collect();
    let option = |chosen: &str, value: &str, name: &str| {
        html! { option value=(value) selected[chosen == value] { (name) } }
    };
    let (log_as, unknown) = (filled.log_as.as_str(), filled.unknown_people.as_str());
    html! {
        form.card.padded method="post" action="/admin/salesforce/mapping" {
            (session.field())
            fieldset {
                legend { "Answers" }
                label for="log_as" { "An answer is logged as" }
                select #log_as name="log_as" {
                    (option(log_as, "auto", "an email where Enhanced Email is on, else a task"))
                    (option(log_as, "task", "a task"))
                }
                label for="unknown_people" { "Nobody in Salesforce has the address" }
                select #unknown_people name="unknown_people" {
                    (option(unknown, "set_aside", "Try again for a day and a half, then set it aside under Webhooks"))
                    (option(unknown, "lead", "Create a lead"))
                    (option(unknown, "skip", "Write nothing; the answer stays here"))
                }
                label.choice for="relate_opportunity" {
                    input #relate_opportunity type="checkbox" name="relate_opportunity" checked[filled.relate_opportunity.is_some()];
                    "Relate it to the contact's open opportunity"
                }
            }
            fieldset {
                legend { "Stops" }
                label for="campaigns" { "Campaigns and cadences" }
                textarea #campaigns name="campaigns" spellcheck="false" placeholder="PLATFORM'S ID = 701…" { (filled.campaigns) }
                p.hint {
                    "One a line: your platform's id, an equals sign, the id of the Salesforce campaign (701…) or cadence (77C…). A platform's id that is a "
                    "Salesforce id needs no line."
                    @if !unmapped.is_empty() {
                        " Without one: "
                        @for (n, campaign) in unmapped.iter().enumerate() {
                            @if n > 0 { ", " }
                            code { (theirs(&campaign.id)) }
                            @if let Some(name) = &campaign.name { " (" (theirs(name)) ")" }
                        }
                        "."
                    }
                }
                label for="replied_status" { "Campaign member's status of somebody who answered" }
                input #replied_status type="text" name="replied_status" required maxlength="40" value=(filled.replied_status);
                label.choice for="end_cadences" {
                    input #end_cadences type="checkbox" name="end_cadences" checked[filled.end_cadences.is_some()];
                    "Take them out of Sales Engagement cadences"
                }
            }
            fieldset {
                legend { "Your own fields of leads and contacts" }
                label for="stop_reason" { "Why the campaign ended (text)" }
                input #stop_reason type="text" name="stop_reason" maxlength="80" placeholder="Stop_Reason__c" value=(filled.stop_reason);
                label for="paused_until" { "Paused until (date)" }
                input #paused_until type="text" name="paused_until" maxlength="80" placeholder="Paused_Until__c" value=(filled.paused_until);
                p.hint { "API names; both objects must have them. Empty: nothing is written. The check says whether they are there." }
            }
            div.actions { button.main { "Save and check" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_becomes_what() {
        let mut sent = Sent {
            unknown_people: "lead".into(),
            campaigns: "cmp_1 = 701000000000001AAA\r\n\r\n a=b = 77C000000000001".into(),
            replied_status: " Responded ".into(),
            end_cadences: Some("on".into()),
            stop_reason: " Stop_Reason__c ".into(),
            ..Sent::default()
        };
        let mapping = sent.mapping().unwrap();
        assert_eq!(mapping.unknown_people, Unknown::Create);
        assert_eq!(mapping.campaign("cmp_1").as_deref(), Some("701000000000001AAA"));
        assert_eq!(mapping.cadence("a=b").as_deref(), Some("77C000000000001"));
        assert_eq!((mapping.replied_status.as_str(), mapping.relate_opportunity), ("Responded", false));
        assert_eq!(mapping.fields.stop_reason.as_deref(), Some("Stop_Reason__c"));
        assert_eq!(mapping.fields.paused_until, None);
        assert_eq!(Sent::of(&mapping).mapping(), Ok(mapping));
        for (campaigns, stop_reason, words) in
            [("cmp_1", "", "of the form"), ("c = 003000000000001", "", "701"), ("", "x' OR", "API name")]
        {
            (sent.campaigns, sent.stop_reason) = (campaigns.into(), stop_reason.into());
            assert!(sent.mapping().unwrap_err().contains(words));
        }
    }
}
