//! NTLMv2 ([MS-NLMP]): three messages that prove who one is without sending the password.

use sspi::{
    AuthIdentity, AuthIdentityBuffers, BufferType, ClientRequestFlags, DataRepresentation, SecurityBuffer,
    Sspi as _, SspiImpl as _, Username,
};

/// One sign-in on one connection.
pub(super) struct Ntlm {
    context: sspi::Ntlm,
    credentials: Option<AuthIdentityBuffers>,
}

impl Ntlm {
    /// `username` is `DOMAIN\name`, or an address (a user principal name), which is its own domain; `binding` is the channel binding
    /// of the connection. `None` for a name that is nobody's.
    pub(super) fn new(username: &str, password: &str, binding: Option<&[u8]>) -> Option<Self> {
        let username = Username::parse(username).ok().filter(|name| !name.account_name().is_empty())?;
        let identity = AuthIdentity { username, password: password.to_owned().into() };
        let mut context = sspi::Ntlm::new();
        if let Some(binding) = binding {
            context.set_channel_bindings(binding);
        }
        let credentials = Some(AuthIdentityBuffers::from(identity));
        Some(Self { context, credentials })
    }

    /// What one begins with.
    pub(super) fn negotiate(&mut self) -> Option<Vec<u8>> {
        self.step(&[])
    }

    /// The answer to the server's challenge. `None` when that is no challenge.
    pub(super) fn authenticate(&mut self, challenge: &[u8]) -> Option<Vec<u8>> {
        self.step(challenge)
    }

    fn step(&mut self, given: &[u8]) -> Option<Vec<u8>> {
        let mut input = [SecurityBuffer::new(given.to_vec(), BufferType::Token)];
        let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
        {
            let mut builder = self
                .context
                .initialize_security_context()
                .with_credentials_handle(&mut self.credentials)
                .with_context_requirements(ClientRequestFlags::empty())
                .with_target_data_representation(DataRepresentation::Native)
                .with_input(&mut input)
                .with_output(&mut output);
            self.context.initialize_security_context_impl(&mut builder).ok()?.resolve_to_result().ok()?;
        }
        let [token] = output;
        Some(token.buffer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_an_address_or_stands_in_a_domain() {
        for (username, user, domain) in [
            ("rep@sales.example", "rep@sales.example", ""),
            ("SALES\\rep", "rep", "SALES"),
            ("rep", "rep", ""),
        ] {
            let ntlm = Ntlm::new(username, "secret", None).unwrap();
            let credentials = ntlm.credentials.unwrap();
            assert_eq!(
                (credentials.user.to_string(), credentials.domain.to_string()),
                (user.into(), domain.into())
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_that_a_server_says_makes_it_panic(
            said in prop::collection::vec(any::<u8>(), 0..200),
            begins_well in any::<bool>(),
        ) {
            let mut ntlm = Ntlm::new("SALES\\rep", "secret", Some(b"tls-server-end-point:x")).unwrap();
            prop_assert!(ntlm.negotiate().unwrap().starts_with(b"NTLMSSP\0"));
            let head: &[u8] = if begins_well { b"NTLMSSP\0\x02\0\0\0" } else { b"" };
            ntlm.authenticate(&[head, &said].concat());
        }
    }
}
