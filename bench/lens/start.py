"""What a user of transformers runs first: `start.py THREADS MODEL TEXT` reads a model and says what comes next; with a folder more, it writes it there."""

import os
import sys

threads, path, text, *folder = sys.argv[1:]
os.environ["HF_HUB_OFFLINE"] = "1"
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = threads
import torch  # noqa: E402
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer  # noqa: E402

torch.set_num_threads(int(threads))
place, more = (path, {}) if os.path.isdir(path) else (os.path.dirname(path), dict(gguf_file=os.path.basename(path)))
tokenizer = AutoTokenizer.from_pretrained(place, **more)
model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32, **more).eval()
if folder:
    # What was read of GGUF counts as quantized and is not written; the same numbers in a model that never was are.
    config = AutoConfig.from_pretrained(place, **more)
    plain = type(model)(config).to(torch.float32)
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(folder[0])
    tokenizer.save_pretrained(folder[0])
with torch.inference_mode():
    logits = model(**tokenizer(text, return_tensors="pt")).logits
print(tokenizer.decode(logits[0, -1].argmax()))
