"""What runs a student or an export of one: PyTorch, CTranslate2, ONNX Runtime."""
