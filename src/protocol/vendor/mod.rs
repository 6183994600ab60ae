//! Protocols that one vendor, or one maker of modules for many vendors, uses: what is known of
//! them comes from open implementations and from captures, which each file names.

pub mod baichuan;
pub mod dahua;
pub mod ezviz;
pub mod kasa;
pub mod miio;
pub mod pppp;
pub mod sadp;
pub mod tapo;
pub mod tutk;
pub mod tuya;
pub mod xmeye;
