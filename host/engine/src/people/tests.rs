//! The record of people in a store.

use super::*;
use crate::memory::MemoryStore;
use crate::port::store::{Append, Batch, StoreFault};
use countersign_core::people::register::{About, Event};
use countersign_core::time::Timestamp;

fn joined(number: u64) -> Arc<[u8]> {
    let person = PersonId::parse(&format!("p-{number}")).expect("a person");
    let about = About { user_name: format!("p-{number}@example.com"), external: None, manager: None };
    let event = Event::Joined { person, about, calendar: None, vouched: true };
    let entry = Entry { at: Timestamp(0), by: Actor::Token("idp".to_owned()), event };
    entry.to_bytes().expect("it has a canonical form").into()
}

async fn append(store: &MemoryStore, place: Place, entries: Vec<Arc<[u8]>>) -> Result<(), StoreFault> {
    let (stream, expected) = (place.name("directory"), place.sequence);
    let append = Append { stream, expected, entries, errands: Vec::new(), row: None };
    store.append(Batch { appends: vec![append], caller_key: None }).await.map(|_| ())
}

#[tokio::test]
async fn a_record_that_outgrows_its_stream_goes_on_in_the_next() {
    let store = MemoryStore::new();
    let mut place = Place::default();
    let mut stale = place;
    for batch in 0..50_u64 {
        let entries: Vec<Arc<[u8]>> = (0..200).map(|number| joined(batch * 200 + number)).collect();
        append(&store, place, entries).await.expect("it is kept");
        place = place.after(200);
        if batch == 43 {
            stale = place;
        }
    }
    let record = recorded(&store).await.expect("it is read");
    assert_eq!(record.place, place);
    assert_eq!((place.stream, place.sequence), (2, 1_000));
    assert_eq!(record.register.members().count(), 10_000);
    // Whoever does not know of the next stream is told.
    assert_eq!((stale.stream, stale.sequence), (1, 8_800));
    let conflict = append(&store, stale, vec![joined(1)]).await;
    assert!(matches!(conflict, Err(StoreFault::Conflict { .. })), "{conflict:?}");
}

#[tokio::test]
async fn an_entry_that_is_none_keeps_the_host_from_starting() {
    let store = MemoryStore::new();
    assert_eq!(recorded(&store).await.expect("nothing is there").place, Place::default());
    append(&store, Place::default(), vec![b"{}".as_slice().into()]).await.expect("it is kept");
    assert!(matches!(recorded(&store).await, Err(Fault::Unreadable(_))));
}
