//! Other blobs with the same bytes for an object.
//!
//! A client cannot see it: sequence, tag, time, checksum, attributes and the lengths of the parts stay. Objects that
//! share the old content go over to the new one together, so that it stays shared; only those that are to have
//! another scheme, by their bucket or class, keep the old one. What nobody owns any more is released as by an
//! overwrite, so readers who opened it go on.

use rusqlite::Connection;

use super::apply::Applier;
use super::blobs::{self, Owner};
use super::model::{Applied, BlobLayout, Content, Extent, MetadataError, Mutation};
use super::query;
use super::schema::ObjectDetail;
use super::versions::{self, Version};
use crate::types::{BlobId, EncodingRules, Scheme};

type Result<T> = std::result::Result<T, MetadataError>;

/// The new blobs in the order of the old ones, if they fit these.
fn replacement(extents: &[Extent], old: &[BlobId], new: &[BlobLayout]) -> Option<Vec<Extent>> {
    let same = extents.iter().map(|extent| extent.blob).eq(old.iter().copied());
    let sizes = extents.iter().map(|extent| extent.size).eq(new.iter().map(|layout| layout.size));
    let extent = |layout: &BlobLayout| Extent { blob: layout.blob, size: layout.size };
    (same && sizes).then(|| new.iter().map(extent).collect())
}

impl Applier {
    /// Applies [`Mutation::Recode`].
    pub(super) fn recode(&mut self, db: &Connection, mutation: &Mutation) -> Result<Applied> {
        let Mutation::Recode { bucket, key, sequence, old, new, content, scheme, rules } = mutation else {
            unreachable!("called for this variant only");
        };
        let at = (self.bucket(db, bucket)?.id, key.as_str());
        let detail = versions::of_sequence(db, at, *sequence)?.and_then(|version| version.detail);
        let detail = detail.ok_or(MetadataError::SourceChanged)?;
        let Content::Blobs(before) = &detail.content else { return Err(MetadataError::SourceChanged) };
        let after = replacement(before, old, new).ok_or(MetadataError::SourceChanged)?;
        let owners = blobs::owners(db, &self.spreads, before)?;
        let takers = takers(db, owners, *scheme, rules)?;
        if !takers
            .iter()
            .any(|taker| (taker.bucket, taker.key.as_str()) == at && taker.version.sequence == *sequence)
        {
            return Err(MetadataError::SourceChanged);
        }
        let part_of = (new.len() > 1).then_some(*content);
        for layout in new {
            blobs::insert(db, &mut self.spreads, layout, &[], part_of)?;
        }
        if let Some(content) = part_of {
            blobs::compose(db, &mut self.spreads, content, &after)?;
        }
        takers.iter().try_for_each(|taker| self.swap(db, taker, before, &after))?;
        Ok(Applied::Done)
    }

    /// Gives a version other extents.
    fn swap(&mut self, db: &Connection, taker: &Taker, before: &[Extent], after: &[Extent]) -> Result<()> {
        let mut detail = taker.detail.clone();
        let (at, sequence) = ((taker.bucket, taker.key.as_str()), taker.version.sequence);
        detail.content = Content::Blobs(after.to_vec());
        versions::set_detail(db, at, &taker.version, &detail)?;
        let owner = Owner { at, sequence, class: detail.properties.class };
        blobs::own(db, &mut self.spreads, after, owner)?;
        blobs::disown(db, &mut self.spreads, before, owner)
    }
}

/// A version that gets the new blobs.
struct Taker {
    bucket: i64,
    key: String,
    version: Version,
    detail: ObjectDetail,
}

/// Those owners that are to have `scheme`.
fn takers(
    db: &Connection,
    owners: Vec<(i64, String, u64)>,
    scheme: Scheme,
    rules: &EncodingRules,
) -> Result<Vec<Taker>> {
    let mut takers = Vec::new();
    for (bucket, key, sequence) in owners {
        let Some(version) = versions::of_sequence(db, (bucket, &key), sequence)? else { continue };
        let Some(detail) = version.detail.clone() else { continue };
        if rules.scheme(query::bucket_scheme(db, bucket)?, detail.properties.class) == scheme {
            takers.push(Taker { bucket, key, version, detail });
        }
    }
    Ok(takers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_blobs_must_be_for_the_old_ones_and_of_their_lengths() {
        let extents = [Extent { blob: BlobId(1), size: 10 }, Extent { blob: BlobId(2), size: 20 }];
        let layout = |blob, size| {
            let slots = Vec::new();
            BlobLayout { blob: BlobId(blob), size, stripe_len: 1, data_shards: 1, slots }
        };
        let new = [layout(3, 10), layout(4, 20)];
        let old = [BlobId(1), BlobId(2)];
        assert_eq!(replacement(&extents, &old, &new).unwrap()[1], Extent { blob: BlobId(4), size: 20 });
        assert_eq!(replacement(&extents, &[BlobId(1), BlobId(9)], &new), None);
        assert_eq!(replacement(&extents, &old, &new[..1]), None);
        assert_eq!(replacement(&extents, &old, &[layout(3, 10), layout(4, 21)]), None);
    }
}
