//! Protocols of meters, energy, buildings, industry, vehicles and gateways: what a smart city
//! runs on. Most of them have no encryption and no authentication of their own.

pub mod bacnet;
pub mod c1222;
pub mod dlms;
pub mod dnp3;
pub mod enip;
pub mod gb32960;
pub mod iec104;
pub mod iso;
pub mod jt808;
pub mod knxnet;
pub mod lorawan;
pub mod mbus;
pub mod modbus;
pub mod opcua;
pub mod sip;
