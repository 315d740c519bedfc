//! Which scheme an object is to have: by its bucket and by its storage class.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Scheme, StorageClass};

/// How a storage class is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassScheme {
    /// As its bucket encodes.
    AsBucket,
    /// With a parity shard less than its bucket, and a data shard more; never without parity where that has any.
    LessParity,
    /// So, in every bucket.
    Own(Scheme),
}

impl ClassScheme {
    /// What it is where nobody says anything: only reduced redundancy is less safe. What AWS keeps in one zone it
    /// keeps as safe from the loss of drives as the rest.
    const fn default_of(class: StorageClass) -> Self {
        match class {
            StorageClass::ReducedRedundancy => Self::LessParity,
            StorageClass::Standard
            | StorageClass::StandardIa
            | StorageClass::IntelligentTiering
            | StorageClass::OnezoneIa
            | StorageClass::GlacierIr => Self::AsBucket,
        }
    }

    fn in_bucket(self, bucket: Scheme) -> Scheme {
        match self {
            Self::AsBucket => bucket,
            Self::LessParity => bucket.with_less_parity(),
            Self::Own(scheme) => scheme,
        }
    }
}

/// What the operator says of storage classes; the others are as they are by default.
pub type ClassSchemes = BTreeMap<StorageClass, ClassScheme>;

/// How objects are to be encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncodingRules {
    /// In buckets without a scheme of their own.
    pub default: Scheme,
    /// Of storage classes.
    pub classes: ClassSchemes,
}

impl EncodingRules {
    /// What an object of a class is to have in a bucket that has this scheme of its own, if it has one.
    pub fn scheme(&self, bucket: Option<Scheme>, class: StorageClass) -> Scheme {
        let rule = self.classes.get(&class).copied().unwrap_or(ClassScheme::default_of(class));
        rule.in_bucket(bucket.unwrap_or(self.default))
    }

    /// The schemes that classes have whatever the bucket.
    pub fn of_classes(&self) -> impl Iterator<Item = (StorageClass, Scheme)> {
        self.classes.iter().filter_map(|(&class, &rule)| match rule {
            ClassScheme::Own(scheme) => Some((class, scheme)),
            ClassScheme::AsBucket | ClassScheme::LessParity => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Scheme = Scheme { data: 2, parity: 2 };

    #[test]
    fn reduced_redundancy_has_a_parity_shard_less_on_as_many_drives() {
        let rules = EncodingRules { default: FOUR, classes: ClassSchemes::new() };
        let reduced = |bucket| rules.scheme(bucket, StorageClass::ReducedRedundancy);
        assert_eq!(reduced(None), Scheme { data: 3, parity: 1 });
        let one = Scheme { data: 3, parity: 1 };
        assert_eq!(reduced(Some(one)), one, "some parity stays");
        let none = Scheme { data: 1, parity: 0 };
        assert_eq!(reduced(Some(none)), none);
        for class in StorageClass::ALL.into_iter().filter(|class| *class != StorageClass::ReducedRedundancy) {
            assert_eq!(rules.scheme(None, class), FOUR, "{}", class.name());
        }
    }

    #[test]
    fn what_the_operator_says_of_a_class_counts_in_every_bucket() {
        let (reduced, archive) = (StorageClass::ReducedRedundancy, StorageClass::GlacierIr);
        let wide = Scheme { data: 3, parity: 1 };
        let classes = [(reduced, ClassScheme::AsBucket), (archive, ClassScheme::Own(wide))];
        let rules = EncodingRules { default: FOUR, classes: classes.into() };
        assert_eq!(rules.scheme(None, reduced), FOUR);
        assert_eq!(rules.scheme(Some(Scheme { data: 1, parity: 2 }), archive), wide);
        assert_eq!(rules.of_classes().collect::<Vec<_>>(), [(archive, wide)]);
    }
}
