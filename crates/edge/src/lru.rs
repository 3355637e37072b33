//! A map that remembers the order of use. It counts nothing and evicts nothing by itself: its owners do.

use std::{borrow::Borrow, collections::HashMap, hash::Hash};

const NONE: usize = usize::MAX;

/// Entries from the most to the least recently used: a hash map into a slab of linked nodes, so that every
/// operation is O(1) and a hit allocates nothing.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    map: HashMap<K, usize>,
    nodes: Vec<Node<K, V>>,
    free: Vec<usize>,
    newest: usize,
    oldest: usize,
}

#[derive(Debug)]
struct Node<K, V> {
    entry: Option<(K, V)>,
    newer: usize,
    older: usize,
}

impl<K: Hash + Eq + Clone, V> Lru<K, V> {
    pub(crate) fn new() -> Self {
        Self { map: HashMap::new(), nodes: Vec::new(), free: Vec::new(), newest: NONE, oldest: NONE }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// The value, without counting as a use.
    pub(crate) fn peek<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = *self.map.get(key)?;
        self.nodes[at].entry.as_ref().map(|(_, v)| v)
    }

    /// The value, which becomes the newest.
    pub(crate) fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = *self.map.get(key)?;
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
        self.nodes[at].entry.as_mut().map(|(_, v)| v)
    }

    /// Puts the value in as the newest; the value that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(old) = self.get(&key) {
            return Some(std::mem::replace(old, value));
        }
        let node = Node { entry: Some((key.clone(), value)), newer: NONE, older: NONE };
        let at = match self.free.pop() {
            Some(at) => {
                self.nodes[at] = node;
                at
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() - 1
            }
        };
        self.map.insert(key, at);
        self.link(at);
        None
    }

    pub(crate) fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.map.remove(key)?;
        self.unlink(at);
        self.free.push(at);
        self.nodes[at].entry.take().map(|(_, v)| v)
    }

    /// Takes the least recently used entry out.
    pub(crate) fn pop_oldest(&mut self) -> Option<(K, V)> {
        let key = self.oldest().next()?.0.clone();
        let value = self.remove(&key)?;
        Some((key, value))
    }

    /// Entries from the least recently used on.
    pub(crate) fn oldest(&self) -> impl Iterator<Item = (&K, &V)> {
        let mut at = self.oldest;
        std::iter::from_fn(move || {
            let node = self.nodes.get(at)?;
            at = node.newer;
            node.entry.as_ref().map(|(k, v)| (k, v))
        })
    }

    fn link(&mut self, at: usize) {
        self.nodes[at].newer = NONE;
        self.nodes[at].older = self.newest;
        match self.newest {
            NONE => self.oldest = at,
            newest => self.nodes[newest].newer = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: usize) {
        let (newer, older) = (self.nodes[at].newer, self.nodes[at].older);
        match newer {
            NONE => self.newest = older,
            n => self.nodes[n].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            n => self.nodes[n].newer = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut lru = Lru::new();
        for n in 0..4 {
            lru.insert(n, n * 10);
        }
        assert_eq!(lru.get(&0), Some(&mut 0));
        assert_eq!(lru.peek(&1), Some(&10));
        assert_eq!(lru.remove(&2), Some(20));
        assert_eq!(lru.insert(3, 31), Some(30));
        assert_eq!(lru.insert(4, 40), None);
        let order: Vec<i32> = std::iter::from_fn(|| lru.pop_oldest()).map(|(k, _)| k).collect();
        assert_eq!(order, [1, 0, 3, 4]);
        assert_eq!(lru.len(), 0);
        lru.insert(9, 9);
        assert_eq!(lru.pop_oldest(), Some((9, 9)));
    }
}
