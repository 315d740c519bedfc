//! Which objects the drives that are here can give back: a look for shards, not at what is in them.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Serialize;

use super::Found;
use crate::metadata::{BlobLayout, MetadataError, Rebuilt, StoredObject, VersionPlace};
use crate::shard_store::ShardId;
use crate::types::DriveSlot;

/// Objects looked at in one step.
const STEP_OBJECTS: usize = 512;

/// A number of objects and of their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// An object that cannot be read from the drives that are here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadableObject {
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// Shards that are here, of the blob that lacks most.
    pub shards_here: usize,
    /// Shards that it takes to read that blob.
    pub shards_needed: usize,
}

/// Objects by what is here of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Presence {
    /// Every shard is here, or the metadata has the bytes.
    pub whole: Count,
    /// Readable, with shards missing.
    pub reduced: Count,
    /// Not readable.
    pub unreadable: Count,
    /// All of those, in order of bucket and key.
    pub unreadable_objects: Vec<UnreadableObject>,
}

/// What is here of one blob: shards that are here, all, and those needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Here {
    here: usize,
    all: usize,
    needed: usize,
}

/// Looks for every shard of every object. `progress` is told objects looked at and all.
pub async fn look_for_shards(
    found: &Found,
    rebuilt: &Rebuilt,
    mut progress: impl FnMut(u64, u64),
) -> Result<Presence, MetadataError> {
    let buckets = rebuilt.buckets()?;
    let total = buckets.iter().map(|bucket| bucket.objects + bucket.versions).sum();
    let (mut presence, mut done) = (Presence::default(), 0);
    for bucket in &buckets {
        let mut after = VersionPlace::default();
        loop {
            let objects = rebuilt.objects_after(&bucket.name, &after, STEP_OBJECTS)?;
            let Some(last) = objects.last() else { break };
            after.clone_from(&last.place);
            let held = held(found, &objects).await;
            for object in &objects {
                presence.count(&bucket.name, object, &worst(object, &held));
            }
            done += objects.len() as u64;
            progress(done, total);
        }
    }
    Ok(presence)
}

type Held = BTreeMap<(DriveSlot, ShardId), bool>;

fn shards(layout: &BlobLayout) -> impl Iterator<Item = (DriveSlot, ShardId)> {
    let slots = layout.slots.iter().zip(0u8..);
    slots.map(|(slot, shard)| (*slot, ShardId { blob: layout.blob, shard }))
}

/// Asks each drive for all shards that it should hold of these objects.
async fn held(found: &Found, objects: &[StoredObject]) -> Held {
    let mut wanted: BTreeMap<DriveSlot, Vec<ShardId>> = BTreeMap::new();
    for (slot, id) in objects.iter().flat_map(|object| object.blobs.iter().flatten()).flat_map(shards) {
        wanted.entry(slot).or_default().push(id);
    }
    let asks = found.opened.iter().filter_map(|(slot, drive)| {
        let ids = wanted.remove(slot)?;
        Some(async move {
            // A drive that cannot tell has nothing.
            let flags = drive.contains(ids.clone()).await.unwrap_or_else(|_| vec![false; ids.len()]);
            ids.into_iter().zip(flags).map(|(id, held)| ((*slot, id), held)).collect::<Vec<_>>()
        })
    });
    join_all(asks).await.into_iter().flatten().collect()
}

/// The blob of which most is missing; none for an object that is kept in the metadata.
fn worst(object: &StoredObject, held: &Held) -> Option<Here> {
    let here = |blob: &Option<BlobLayout>| match blob {
        Some(layout) => Here {
            here: shards(layout).filter(|shard| held.get(shard) == Some(&true)).count(),
            all: layout.slots.len(),
            needed: usize::from(layout.data_shards),
        },
        None => Here { here: 0, all: 1, needed: 1 },
    };
    object.blobs.iter().map(here).min_by_key(|blob| blob.here as i64 - blob.needed as i64)
}

impl Presence {
    fn count(&mut self, bucket: &str, object: &StoredObject, worst: &Option<Here>) {
        let count = match worst {
            Some(blob) if blob.here < blob.needed => {
                self.unreadable_objects.push(UnreadableObject {
                    bucket: bucket.to_owned(),
                    key: object.place.key.clone(),
                    bytes: object.size,
                    shards_here: blob.here,
                    shards_needed: blob.needed,
                });
                &mut self.unreadable
            }
            Some(blob) if blob.here < blob.all => &mut self.reduced,
            _ => &mut self.whole,
        };
        count.objects += 1;
        count.bytes += object.size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::BlobId;

    fn object(blobs: &[u128]) -> StoredObject {
        let layout = |blob: &u128| BlobLayout {
            blob: BlobId(*blob),
            size: 10,
            stripe_len: 10,
            data_shards: 2,
            slots: (0..4).map(DriveSlot).collect(),
        };
        StoredObject {
            place: VersionPlace { key: "k".into(), rank: -1 },
            size: 10,
            blobs: blobs.iter().map(|blob| Some(layout(blob))).collect(),
        }
    }

    fn counted(object: &StoredObject, held: &[(u128, u16)]) -> Presence {
        let shard = |&(blob, slot): &(u128, u16)| {
            ((DriveSlot(slot), ShardId { blob: BlobId(blob), shard: slot as u8 }), true)
        };
        let held: Held = held.iter().map(shard).collect();
        let mut presence = Presence::default();
        presence.count("b", object, &worst(object, &held));
        presence
    }

    #[test]
    fn an_object_is_as_safe_as_the_blob_that_lacks_most() {
        let one = object(&[7]);
        assert_eq!(counted(&one, &[(7, 0), (7, 1), (7, 2), (7, 3)]).whole.objects, 1);
        assert_eq!(counted(&one, &[(7, 1), (7, 3)]).reduced.bytes, 10);
        let two = object(&[7, 8]);
        let lost = counted(&two, &[(7, 0), (7, 1), (7, 2), (7, 3), (8, 3)]);
        assert_eq!((lost.unreadable.objects, lost.whole.objects), (1, 0));
        let named = &lost.unreadable_objects[0];
        assert_eq!((named.key.as_str(), named.shards_here, named.shards_needed), ("k", 1, 2));
    }

    #[test]
    fn an_object_in_the_metadata_is_whole_and_one_of_unknown_blobs_is_not() {
        assert_eq!(counted(&object(&[]), &[]).whole.objects, 1);
        let unknown = StoredObject { place: VersionPlace::default(), size: 1, blobs: vec![None] };
        assert_eq!(counted(&unknown, &[]).unreadable.objects, 1);
    }
}
