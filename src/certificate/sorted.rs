//! One copy of the sort for short lists of all kinds. The standard library's is compiled anew for each type and each order,
//! which takes 3 kB of a firmware each time.

use core::cmp::Ordering;

/// Sorts a list as [`slice::sort_by`] does.
pub(crate) fn sort_by<T>(items: &mut Vec<T>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    if items.len() < 2 {
        return;
    }
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort_places(
        &mut places,
        &mut |one, other| match (items.get(one), items.get(other)) {
            (Some(one), Some(other)) => compare(one, other),
            _ => Ordering::Equal,
        },
    );
    let taken = core::mem::take(items).into_iter();
    let mut taken: Vec<Option<T>> = taken.map(Some).collect();
    let mut take = |place| taken.get_mut(place).and_then(Option::take);
    items.extend(places.into_iter().filter_map(&mut take));
}

fn sort_places(places: &mut [usize], compare: &mut dyn FnMut(usize, usize) -> Ordering) {
    places.sort_by(|one, other| compare(*one, *other));
}

#[cfg(test)]
mod tests {
    use super::sort_by;

    #[test]
    fn it_sorts_as_the_standard_library_does_and_is_stable() {
        for count in [0_u32, 1, 2, 3, 20, 21, 500] {
            let mut items: Vec<(u32, u32)> = (0..count)
                .map(|number| (number.wrapping_mul(0x9e37_79b9) >> 29, number))
                .collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            sort_by(&mut items, |one, other| one.0.cmp(&other.0));
            assert_eq!(items, expected);
        }
    }
}
