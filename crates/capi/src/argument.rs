//! Reads and writes what C hands over. The only place that follows a pointer.

use core::ffi::{c_char, c_void};
use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::slice;

use crate::status::{ARGUMENT, Failed, NULL, TEXT};

/// Bytes that the caller owns. They are read during the call alone.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes {
    /// The first of them. May be NULL if there are none.
    pub(crate) data: *const c_void,
    /// How many there are.
    pub(crate) len: usize,
}

/// A kind of argument, and what C hands over for it.
pub(crate) trait Argument {
    type C;
}

/// Memory that C handed over, while a call runs.
///
/// # Safety
/// `data` is NULL or points to `len` items that are initialised and do not change for as long as `'a`.
#[expect(unsafe_code, reason = "the one place that makes a slice of a pointer")]
unsafe fn items<'a, T>(data: *const T, len: usize) -> Result<&'a [T], Failed> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(NULL);
    }
    // No object is larger than isize::MAX bytes, and no slice may be.
    let bytes = len.checked_mul(size_of::<T>()).ok_or(ARGUMENT)?;
    if isize::try_from(bytes).is_err() || !data.is_aligned() {
        return Err(ARGUMENT);
    }
    // SAFETY: not NULL, aligned and short enough; the caller promises the rest.
    Ok(unsafe { slice::from_raw_parts(data, len) })
}

/// Numbers are taken as they are.
macro_rules! plain {
    ($($number:ty: $kind:ident),*) => { $(
        /// A number.
        pub(crate) struct $kind;

        impl Argument for $kind {
            type C = $number;
        }

        impl $kind {
            /// # Safety
            /// None.
            #[expect(unsafe_code, reason = "as every kind of argument")]
            pub(crate) unsafe fn read(number: $number) -> Result<$number, Failed> {
                Ok(number)
            }
        }
    )* };
}

plain!(u32: U32, u64: U64, i64: Seconds, usize: Size);

/// Bytes.
pub(crate) struct Data;

impl Argument for Data {
    type C = Bytes;
}

impl Data {
    /// # Safety
    /// As [`items`].
    #[expect(unsafe_code, reason = "reads memory of the caller")]
    pub(crate) unsafe fn read<'a>(bytes: Bytes) -> Result<&'a [u8], Failed> {
        // SAFETY: the caller promises it.
        unsafe { items(bytes.data.cast(), bytes.len) }
    }
}

/// A text.
pub(crate) struct Text;

impl Argument for Text {
    type C = Bytes;
}

impl Text {
    /// # Safety
    /// As [`items`].
    #[expect(unsafe_code, reason = "reads memory of the caller")]
    pub(crate) unsafe fn read<'a>(bytes: Bytes) -> Result<&'a str, Failed> {
        // SAFETY: the caller promises it.
        let bytes = unsafe { Data::read(bytes) }?;
        core::str::from_utf8(bytes).map_err(|_| TEXT)
    }
}

/// Several texts or certificates.
pub(crate) struct List;

impl Argument for List {
    type C = *const Bytes;
}

impl List {
    /// # Safety
    /// As [`items`], and the same for each of the items.
    #[expect(unsafe_code, reason = "reads memory of the caller")]
    pub(crate) unsafe fn read<'a>(
        first: *const Bytes,
        count: usize,
    ) -> Result<Vec<&'a [u8]>, Failed> {
        // SAFETY: the caller promises it.
        let list = unsafe { items(first, count) }?;
        list.iter()
            .map(|bytes| {
                // SAFETY: the caller promises it.
                unsafe { Data::read(*bytes) }
            })
            .collect()
    }
}

/// The same for a function that forgets something before it refuses a list that cannot be used.
pub(crate) struct Chain;

impl Argument for Chain {
    type C = *const Bytes;
}

impl Chain {
    /// # Safety
    /// As [`List::read`].
    #[expect(unsafe_code, reason = "as every kind of argument")]
    pub(crate) unsafe fn read<'a>(
        first: *const Bytes,
        count: usize,
    ) -> Result<Result<Vec<&'a [u8]>, Failed>, Failed> {
        // SAFETY: the caller promises it.
        Ok(unsafe { List::read(first, count) })
    }
}

/// A handle that must be there.
pub(crate) struct Ref<T>(PhantomData<T>);

impl<T> Argument for Ref<T> {
    type C = *const T;
}

impl<T: Sync> Ref<T> {
    /// # Safety
    /// `handle` is NULL or was given out by this library, and is not freed before the call ends.
    #[expect(unsafe_code, reason = "handles are pointers")]
    pub(crate) unsafe fn read<'a>(handle: *const T) -> Result<&'a T, Failed> {
        // SAFETY: the caller promises it. All handles are shared by threads: `T` is `Sync`.
        unsafe { Maybe::read(handle) }?.ok_or(NULL)
    }
}

/// A handle that may be NULL.
pub(crate) struct Maybe<T>(PhantomData<T>);

impl<T> Argument for Maybe<T> {
    type C = *const T;
}

impl<T: Sync> Maybe<T> {
    /// # Safety
    /// As [`Ref::read`].
    #[expect(unsafe_code, reason = "handles are pointers")]
    pub(crate) unsafe fn read<'a>(handle: *const T) -> Result<Option<&'a T>, Failed> {
        if !handle.is_aligned() {
            return Err(ARGUMENT);
        }
        // SAFETY: the caller promises it.
        Ok(unsafe { handle.as_ref() })
    }
}

/// A handle that the call takes and frees. NULL is nothing.
pub(crate) struct Owned<T>(PhantomData<T>);

impl<T> Argument for Owned<T> {
    type C = *mut T;
}

impl<T: Send> Owned<T> {
    /// # Safety
    /// `handle` is NULL or was given out by this library. It is not used again.
    #[expect(unsafe_code, reason = "handles are pointers")]
    pub(crate) unsafe fn read(handle: *mut T) -> Result<Option<Box<T>>, Failed> {
        if handle.is_null() {
            return Ok(None);
        }
        if !handle.is_aligned() {
            return Err(ARGUMENT);
        }
        // SAFETY: it came from `Out::give`, which made it of a box, and is not used again.
        Ok(Some(unsafe { Box::from_raw(handle) }))
    }
}

/// A place for one value. NULL until something is put there. A place that is NULL itself takes nothing.
pub(crate) struct Place<'a, V> {
    place: Option<NonNull<V>>,
    of: PhantomData<&'a mut V>,
}

impl<V> fmt::Debug for Place<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

impl<V> Place<'_, V> {
    /// # Safety
    /// `place` is NULL or may be written to for as long as this is there.
    #[expect(unsafe_code, reason = "writes to memory of the caller")]
    unsafe fn new(place: *mut V, first: V) -> Result<Self, Failed> {
        if !place.is_aligned() {
            return Err(ARGUMENT);
        }
        let new = Self {
            place: NonNull::new(place),
            of: PhantomData,
        };
        new.put(first);
        Ok(new)
    }

    fn is_there(&self) -> bool {
        self.place.is_some()
    }

    #[expect(unsafe_code, reason = "writes to memory of the caller")]
    pub(crate) fn put(&self, value: V) {
        if let Some(place) = self.place {
            // SAFETY: who made this promised that it may be written to. What is there is a number or a pointer, so
            // nothing is dropped.
            unsafe { place.write(value) };
        }
    }
}

/// A place for a new handle.
pub(crate) struct Out<T>(PhantomData<T>);

impl<T> Argument for Out<T> {
    type C = *mut *mut T;
}

impl<T: Send + Sync> Out<T> {
    /// # Safety
    /// As [`Place::new`].
    #[expect(unsafe_code, reason = "writes to memory of the caller")]
    pub(crate) unsafe fn read<'a>(place: *mut *mut T) -> Result<Giving<'a, T>, Failed> {
        // SAFETY: the caller promises it.
        let place = unsafe { Place::new(place, core::ptr::null_mut()) }?;
        if place.is_there() {
            Ok(Giving(place))
        } else {
            Err(NULL)
        }
    }
}

/// A place for a new handle, which may be NULL.
pub(crate) struct MaybeOut<T>(PhantomData<T>);

impl<T> Argument for MaybeOut<T> {
    type C = *mut *mut T;
}

impl<T: Send + Sync> MaybeOut<T> {
    /// # Safety
    /// As [`Place::new`].
    #[expect(unsafe_code, reason = "writes to memory of the caller")]
    pub(crate) unsafe fn read<'a>(place: *mut *mut T) -> Result<Giving<'a, T>, Failed> {
        // SAFETY: the caller promises it.
        Ok(Giving(unsafe { Place::new(place, core::ptr::null_mut()) }?))
    }
}

/// Gives a handle to the caller, who frees it.
#[derive(Debug)]
pub(crate) struct Giving<'a, T>(Place<'a, *mut T>);

impl<T: Send + Sync> Giving<'_, T> {
    /// Gives the handle of a value. Dropped if the caller wants none.
    pub(crate) fn give(&self, value: T) {
        if self.0.is_there() {
            self.0.put(Box::into_raw(Box::new(value)));
        }
    }

    /// Whether the caller wants a handle.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_there()
    }
}

/// A place for a number, which may be NULL.
pub(crate) struct OutU32;

impl Argument for OutU32 {
    type C = *mut u32;
}

impl OutU32 {
    /// # Safety
    /// As [`Place::new`].
    #[expect(unsafe_code, reason = "writes to memory of the caller")]
    pub(crate) unsafe fn read<'a>(place: *mut u32) -> Result<Place<'a, u32>, Failed> {
        // SAFETY: the caller promises it.
        unsafe { Place::new(place, 0) }
    }
}

/// A place for a text: its first byte and how many bytes there are.
pub(crate) struct Buffer;

impl Argument for Buffer {
    type C = *mut c_char;
}

impl Buffer {
    /// # Safety
    /// `data` is NULL, or `capacity` bytes from it may be written to during the call.
    #[expect(unsafe_code, reason = "writes to memory of the caller")]
    pub(crate) unsafe fn read<'a>(
        data: *mut c_char,
        capacity: usize,
    ) -> Result<Writing<'a>, Failed> {
        if isize::try_from(capacity).is_err() {
            return Err(ARGUMENT);
        }
        let writing = Writing {
            data: NonNull::new(data.cast()),
            capacity,
            of: PhantomData,
        };
        writing.put("");
        Ok(writing)
    }
}

/// Writes a text into memory of the caller, with a NUL behind it.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    data: Option<NonNull<u8>>,
    capacity: usize,
    of: PhantomData<&'a mut [u8]>,
}

impl Writing<'_> {
    /// Writes as much of a text as there is room for, whole characters alone. Returns how long it is, without its NUL.
    #[expect(unsafe_code, reason = "writes to memory of the caller")]
    pub(crate) fn put(&self, text: &str) -> usize {
        let Some(room) = self.capacity.checked_sub(1) else {
            return text.len();
        };
        if let Some(data) = self.data {
            let end = (0..=room.min(text.len())).rev();
            let end = end.into_iter().find(|end| text.is_char_boundary(*end));
            let shown = text.get(..end.unwrap_or(0)).unwrap_or("");
            let source = shown.as_ptr();
            // SAFETY: `shown` has at most `capacity` - 1 bytes, so that many may be written; a text of Rust does not
            // overlap with memory that C may write to.
            unsafe { data.as_ptr().copy_from_nonoverlapping(source, shown.len()) };
            // SAFETY: `shown` is shorter than `capacity`.
            let end = unsafe { data.add(shown.len()) };
            // SAFETY: within `capacity`.
            unsafe { end.write(0) };
        }
        text.len()
    }
}
