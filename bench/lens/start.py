"""What a user of transformers runs first: `start.py MODEL TEXT` reads a model and says what comes next; with a folder more, it writes the model there."""

import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

path, text, *folder = sys.argv[1:]
place, more = (path, {}) if os.path.isdir(path) else (os.path.dirname(path), dict(gguf_file=os.path.basename(path)))
tokenizer = AutoTokenizer.from_pretrained(place, **more)
model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32, **more).eval()
if folder:
    model.save_pretrained(folder[0])
    tokenizer.save_pretrained(folder[0])
with torch.inference_mode():
    logits = model(**tokenizer(text, return_tensors="pt")).logits
print(tokenizer.decode(logits[0, -1].argmax()))
