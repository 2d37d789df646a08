"""What the bundled model reads in one face as its pain rises, beside the truth.

Usage: python examples/02_read_a_face.py
"""

import pain3d

model = pain3d.ViTPain.from_pretrained("vitpain-tiny")
subject = pain3d.Subject.sample(seed=11, age_years=80, sex="male", ethnicity="white")

print("truth   read   90 % interval   AU4 read (truth)")
for level in range(6):
    expression = pain3d.Expression(AU4=level, AU6=level, AU9=min(level, 4), AU43=float(level == 5))
    picture = pain3d.render(subject, expression).image
    reading = model.predict(picture)
    low, high = reading.interval
    print(
        f"{expression.pspi:5g}  {reading.pspi:5.1f}   {low:4.1f} to {high:4.1f}    {reading.aus['AU4']:.1f} ({level})"
    )

print("PSPI is observer-coded facial expression, not felt pain. The model has seen synthetic faces alone.")
