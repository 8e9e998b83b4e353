//! Which feature, tree, node, output? Numbers that can't be mistaken for one another.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as an index into a slice.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The id of a position. Positions past `u32::MAX` do not occur: readers refuse them earlier.
            #[must_use]
            pub fn at(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A column of what a model was trained on, in the model's own order.
    FeatureId
);
id!(
    /// A node of one tree. The root is 0.
    NodeId
);
id!(
    /// One output of a model: a class, a target, or the only one.
    OutputId
);
