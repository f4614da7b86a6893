"""Sample and frame rates at the borders between nodes. Everyone computes from these."""

MICROPHONE_HZ = 16_000
MICROPHONE_CHUNK_SAMPLES = 640  # 40 ms, four frames of an echo canceller

SPEECH_HZ = 24_000
SPEECH_FRAME_SAMPLES = 1_920  # 80 ms, one codec frame at 12.5 Hz

FACE_FPS = 25
FACE_DIM = 112
FACE_EXPRESSION = slice(0, 100)
FACE_HEAD = slice(100, 103)
FACE_JAW = slice(103, 106)
FACE_LEFT_EYE = slice(106, 109)
FACE_RIGHT_EYE = slice(109, 112)

BODY_FPS = 20
BODY_JOINTS = 52  # 22 SMPL joints, then 30 finger joints in SMPL-H order
BODY_DIM = 3 + 3 * BODY_JOINTS

VIDEO_FPS = 30
