//! The peer of an HTTP request.

use ::axum::extract::ConnectInfo;
use http::Extensions;

use crate::Peer;

/// The peer whose connection brought the request, as the server put it there.
pub(super) fn peer(extensions: &Extensions) -> Option<&Peer> {
    match extensions.get::<ConnectInfo<Peer>>() {
        Some(info) => Some(&info.0),
        // Of axum-server.
        None => extensions.get(),
    }
}
