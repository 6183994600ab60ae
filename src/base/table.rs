//! Hash tables whose keys come from packets. The hash is seeded, because its keys are the
//! attacker's; the seed is drawn once a process and never shows in any output, since no output
//! iterates a table.

/// The hasher of every table in the project.
pub type BuildHasher = foldhash::fast::RandomState;
/// A seeded hash map.
pub type Map<K, V> = hashbrown::HashMap<K, V, BuildHasher>;
/// A seeded hash set.
pub type Set<K> = hashbrown::HashSet<K, BuildHasher>;
