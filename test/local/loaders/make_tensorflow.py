"""Makes Keras and TensorFlow models for one point each, below the folder that is named, with weights
that make their answers plain to see."""

import os
import sys
from pathlib import Path

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras
import tensorflow as tf

HERE = Path(sys.argv[1])


def dense(units, activation="linear", bias=0.0, **options):
    """Every unit sums up its inputs."""
    return keras.layers.Dense(
        units, activation, kernel_initializer="ones", bias_initializer=keras.initializers.Constant(bias), **options
    )


def keras_model(name, inputs, outputs):
    keras.Model(inputs, outputs).save(HERE / f"{name}.keras")


def keras_models():
    x = keras.Input((2,), name="x")
    keras_model("logits", x, dense(3, bias=1.0)(x))
    keras_model("logit", x, dense(1)(x))
    keras_model("two-outputs", x, [dense(1, name="a")(x), dense(1, name="b")(x)])
    keras_model("deep", x, keras.layers.Reshape((2, 3))(dense(6)(x)))
    keras_model("flat", x, keras.ops.sum(x, axis=1))
    keras_model("sum", x, dense(1)(x))
    keras_model("half", x, dense(1, dtype="float16")(x))
    for rows in (1, 4):
        fixed = keras.Input(batch_shape=(rows, 2), name="x")
        keras_model(f"rows-{rows}", fixed, dense(1, "sigmoid")(fixed))
    image = keras.Input((2, 2), name="image")
    keras_model("image", image, dense(1)(keras.layers.Flatten()(image)))
    text = keras.Input((1,), dtype="string", name="word")
    known = keras.layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")(text)
    keras_model("text", text, keras.layers.Softmax()(keras.layers.Rescaling(20.0)(known)))
    truths = keras.Input((2,), dtype="bool", name="truths")
    keras_model("truths", truths, dense(1)(keras.layers.Rescaling(1.0)(truths)))
    codes = keras.Input((2,), dtype="int32", name="codes")
    keras_model("codes", codes, dense(1)(keras.layers.Rescaling(1.0)(codes)))
    keras.Sequential([dense(1)]).save(HERE / "unbuilt.keras")


class Served(tf.Module):
    """A function as the signature `serving_default`, whose inputs are named as its own."""

    def __init__(self, function, **inputs):
        super().__init__()
        specs = [tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in inputs.items()]
        self.serve = tf.function(function, input_signature=specs)

    def save(self, name):
        tf.saved_model.save(self, HERE / name, signatures={"serving_default": self.serve})


def saved_models():
    numbers = ([None, 2], tf.float32)
    Served(lambda x: {"a": x[:, 0], "b": x[:, 1]}, x=numbers).save("saved-two-outputs")
    Served(lambda x: {"y": tf.nn.bias_add(x, [3.0, 4.0])}, x=numbers).save("saved-logits")
    Served(lambda x: {"y": tf.as_string(x[:, 0])}, x=numbers).save("saved-texts")
    Served(lambda x: {"y": tf.reduce_sum(tf.reshape(x, [-1, 2]), 1)}, x=(None, tf.float32)).save("saved-any-shape")
    Served(lambda x: {"y": tf.reduce_sum(x, 1)}, x=([3, 2], tf.float32)).save("saved-rows-3")
    Served(
        lambda n, big, word: {"y": tf.cast(n, tf.float64) + big + tf.cast(tf.strings.length(word), tf.float64)},
        n=([None, 1], tf.int64), big=([None, 1], tf.float64), word=([None, 1], tf.string),
    ).save("saved-columns")
    tf.saved_model.save(tf.Module(), HERE / "saved-unsigned")


keras_models()
saved_models()
