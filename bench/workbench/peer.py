"""The peer's dashboard of a model and rows, as its README starts one.  Called by run.py: peer.py MODEL ROWS PORT"""

import sys

import pandas
import xgboost
from explainerdashboard import ClassifierExplainer, ExplainerDashboard

model, rows, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
frame = pandas.read_csv(rows)
answer = frame.pop("income")
booster = xgboost.XGBClassifier()
booster.load_model(model)
# Values of interactions are left out: they would take it far longer.
ExplainerDashboard(ClassifierExplainer(booster, frame, answer), shap_interaction=False).run(port=port, host="127.0.0.1")
