//! The desktop's notification service, which remembers what it was told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use zbus::{Connection, connection, interface, object_server::SignalEmitter, zvariant::OwnedValue};

/// The service, for as long as this lives.
pub struct Notifications {
    told: Arc<Mutex<Vec<String>>>,
    connection: Connection,
}

const PATH: &str = "/org/freedesktop/Notifications";

struct Service(Arc<Mutex<Vec<String>>>);

/// The Desktop Notifications Specification, as far as programs use it.
#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[allow(clippy::too_many_arguments, reason = "the specification has that many")]
    fn notify(
        &self,
        _app_name: String,
        _replaces_id: u32,
        _app_icon: String,
        summary: String,
        body: String,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(format!("{summary}\n{body}"));
        u32::try_from(told.len()).unwrap_or(u32::MAX)
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned(), "actions".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("test".to_owned(), "answerback".to_owned(), "1".to_owned(), "1.2".to_owned())
    }
}

impl Notifications {
    /// Serves notifications on this bus.
    pub async fn serve(bus: &str) -> Result<Self> {
        let told = Arc::<Mutex<Vec<String>>>::default();
        let connection = connection::Builder::address(bus)?
            .name("org.freedesktop.Notifications")?
            .serve_at(PATH, Service(told.clone()))?
            .build()
            .await
            .context("The notification service did not start")?;
        Ok(Self { told, connection })
    }

    /// Clicks on the notification that begins like this, once it is there.
    pub async fn click(&self, beginning: &str) -> Result<()> {
        let id = self.hear(beginning).await?;
        let service = self.connection.object_server().interface::<_, Service>(PATH).await?;
        Ok(Service::action_invoked(service.signal_emitter(), id, "default").await?)
    }

    /// Waits until a notification begins like this; gives its number.
    pub async fn hear(&self, beginning: &str) -> Result<u32> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(at) = told.iter().position(|text| text.starts_with(beginning)) {
                return Ok(u32::try_from(at + 1)?);
            }
            if tokio::time::Instant::now() > deadline {
                bail!("No notification says “{beginning}”, only {told:?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
