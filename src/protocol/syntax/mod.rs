//! Grammar that several dissectors share.

pub mod certificate;
pub mod cipher;
pub mod announce;
pub mod application;
pub mod default;
pub mod dns;
pub mod document;
pub mod dtls;
pub mod element;
pub mod framed;
pub mod group;
pub mod handshake;
pub mod header;
pub mod hello;
pub mod hpack;
pub mod http2;
pub mod initial;
pub mod ja;
pub mod parameter;
pub mod lengths;
pub mod moving;
pub mod pieces;
pub mod preamble;
pub mod rtp;
pub mod stream;
pub mod update;
