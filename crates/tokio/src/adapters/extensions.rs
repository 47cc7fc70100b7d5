//! The peer of an HTTP request.

use http::Extensions;

use crate::Peer;

/// The peer whose connection brought the request, as the server put it there.
pub(super) fn peer(extensions: &Extensions) -> Option<&Peer> {
    #[cfg(feature = "axum")]
    if let Some(info) = extensions.get::<::axum::extract::ConnectInfo<Peer>>() {
        return Some(&info.0);
    }
    extensions.get()
}
