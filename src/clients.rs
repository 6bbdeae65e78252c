//! Live connections to the clouds, shared by all of a run: what builds with a client's credentials also cleans up with
//! them. Knows no cloud.

use anyhow::Result;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

type Slot = Arc<OnceCell<Arc<dyn Any + Send + Sync>>>;

/// The clients of a run, by their type and a key. Cheap to clone; all clones see the same clients.
///
/// A key says which cloud and by whose credentials, without being secret: it stands in the details of what was claimed,
/// so that the cleaner of a thing finds the client that made it. In another process it finds none and makes its own.
#[derive(Clone, Default)]
pub struct Clients {
    slots: Arc<Mutex<HashMap<(TypeId, String), Slot>>>,
}

impl Clients {
    /// The client of this key, made if there is none yet. Of those who ask at once, one makes it; after a failure the next
    /// one tries again. `make` does nothing where there is a client already.
    ///
    /// # Errors
    /// When it can't be made.
    pub async fn get_or_make<T: Send + Sync + 'static>(
        &self,
        key: &str,
        make: impl Future<Output = Result<T>> + Send,
    ) -> Result<Arc<T>> {
        let slot = self.slot::<T>(key);
        let make = async { make.await.map(|made| Arc::new(made) as Arc<dyn Any + Send + Sync>) };
        let client = slot.get_or_try_init(|| make).await?.clone();
        // The key holds its type, so that this is never another one.
        client.downcast().map_err(|_| anyhow::anyhow!("the client `{key}` is of another type"))
    }

    fn slot<T: 'static>(&self, key: &str) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry((TypeId::of::<T>(), key.to_owned())).or_default().clone()
    }
}

impl std::fmt::Debug for Clients {
    /// How many there are; they themselves hold credentials.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.slots.lock().unwrap_or_else(PoisonError::into_inner).len();
        write!(formatter, "Clients({count})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_is_made_once_and_found_by_its_type_and_key() {
        let clients = Clients::default();
        let make = |name: &str| {
            let name = name.to_owned();
            async move { Ok(name) }
        };
        let first = clients.get_or_make("a", make("first")).await.unwrap();
        let (again, other) = (clients.clone(), clients.clone());
        let again = again.get_or_make("a", async { anyhow::bail!("made twice") }).await.unwrap();
        assert!(Arc::<String>::ptr_eq(&first, &again));
        assert_eq!(*other.get_or_make("b", make("second")).await.unwrap(), "second");
        assert_eq!(*other.get_or_make("a", async { Ok(7) }).await.unwrap(), 7);
        assert_eq!(format!("{clients:?}"), "Clients(3)");
    }

    #[tokio::test]
    async fn those_who_ask_at_once_share_one_and_a_failure_is_not_for_ever() {
        let clients = Clients::default();
        let failed = clients.get_or_make::<u8>("a", async { anyhow::bail!("no credentials") }).await;
        assert_eq!(failed.unwrap_err().to_string(), "no credentials");
        let make = |number: u8| async move {
            tokio::task::yield_now().await;
            Ok(number)
        };
        let (one, two) = tokio::join!(clients.get_or_make("a", make(1)), clients.get_or_make("a", make(2)));
        assert_eq!((*one.unwrap(), *two.unwrap()), (1, 1));
    }
}
