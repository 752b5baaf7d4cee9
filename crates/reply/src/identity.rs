//! Whose mailbox it is.

use serde::{Deserialize, Serialize};

use crate::address;

/// The rep: the addresses that are theirs, and the domains of their colleagues.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The rep's own addresses, aliases included.
    pub addresses: Vec<String>,
    /// Domains of the rep's own organisation; an author there is a `colleague`.
    #[serde(default)]
    pub colleagues: Vec<String>,
}

impl Identity {
    /// The rep with these addresses, whose colleagues are whoever writes from the same organisations. A free-mail
    /// provider is nobody's organisation.
    pub fn from_addresses(addresses: Vec<String>) -> Self {
        let mut colleagues: Vec<String> = addresses
            .iter()
            .filter_map(|own| address::organisation(&own.trim().to_lowercase()).map(str::to_owned))
            .collect();
        colleagues.sort_unstable();
        colleagues.dedup();
        Self { addresses, colleagues }
    }

    /// Whether an address is the rep's own, aliases and sub-addresses included.
    pub fn is_own(&self, address: &str) -> bool {
        self.addresses.iter().any(|own| address::same_mailbox(own, address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colleagues_write_from_the_reps_organisation_and_never_from_a_free_mail_provider() {
        let addresses = ["Rep@eu.Sales.example", "rep@sales.example", "rep.private@gmail.com", "broken"];
        let me = Identity::from_addresses(addresses.map(str::to_owned).to_vec());
        assert_eq!(me.colleagues, ["sales.example"]);
        assert_eq!(me.addresses.len(), 4);
    }
}
