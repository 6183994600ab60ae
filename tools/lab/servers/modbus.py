"""A Modbus device with a hundred registers (pymodbus 3.0)."""
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

registers = ModbusSequentialDataBlock(0, [17] * 100)
StartTcpServer(context=ModbusServerContext(ModbusSlaveContext(hr=registers), single=True), address=("", 502))
