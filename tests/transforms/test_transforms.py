"""Transforms on arrays and tensors: values, shapes, seeds and errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_core as ac
from nn import transforms as T
from nn.data import DataLoader, Dataset
from nn.transforms import functional as F

RNG = np.random.default_rng(0)


def images():
    """One picture as every kind of image."""
    pixels = RNG.integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return {
        "array": pixels,
        "grey": pixels[..., 0].copy(),
        "float": pixels.astype(np.float32) / 255,
        "tensor": ac.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))),
        "float tensor": F.to_tensor(pixels),
        "batch": ac.from_numpy(RNG.random((4, 3, 9, 12), dtype=np.float32)),
    }


KINDS = list(images())

ALL = {
    "Resize": T.Resize((6, 8)),
    "CenterCrop": T.CenterCrop((6, 8)),
    "RandomCrop": T.RandomCrop((6, 8)),
    "RandomResizedCrop": T.RandomResizedCrop((6, 8)),
    "Pad": T.Pad(2),
    "RandomHorizontalFlip": T.RandomHorizontalFlip(),
    "RandomVerticalFlip": T.RandomVerticalFlip(),
    "RandomRotation": T.RandomRotation(30),
    "RandomAffine": T.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), 10, interpolation="bilinear"),
    "RandomErasing": T.RandomErasing(1.0),
    "ColorJitter": T.ColorJitter(0.3, 0.3, 0.3, 0.1),
    "Grayscale": T.Grayscale(1),
    "RandomGrayscale": T.RandomGrayscale(0.5),
    "RandomInvert": T.RandomInvert(),
    "GaussianBlur": T.GaussianBlur(3),
    "Compose": T.Compose([T.RandomCrop(8, padding=1), T.RandomHorizontalFlip()]),
    "RandomApply": T.RandomApply([T.Pad(1)]),
    "RandomChoice": T.RandomChoice([T.Pad(1), T.CenterCrop(4)]),
    "RandomOrder": T.RandomOrder([T.CenterCrop(4), T.RandomHorizontalFlip()]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_kind_dtype_and_input_are_kept(name, kind):
    image = images()[kind]
    before = image.array.copy() if isinstance(image, ac.Tensor) else image.copy()
    result = ALL[name](image)
    assert type(result) is type(image)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(image.array if isinstance(image, ac.Tensor) else image, before)
    values = result.array if isinstance(result, ac.Tensor) else result
    assert values.ndim == before.ndim
    if values.dtype.kind == "f":
        assert values.min() >= -1e-6
        assert values.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", ALL)
def test_arrays_and_tensors_agree(name):
    pixels = images()["array"]
    ac.manual_seed(1)
    a = ALL[name](pixels)
    ac.manual_seed(1)
    b = ALL[name](F.convert_image_dtype(ac.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), np.uint8))
    np.testing.assert_array_equal(a if a.ndim == 2 else a.transpose(2, 0, 1), b.array)


@pytest.mark.parametrize("name", ALL)
def test_manual_seed_governs_and_repr_shows_the_arguments(name):
    pixels = images()["array"]
    ac.manual_seed(7)
    a = [ALL[name](pixels) for _ in range(3)]
    ac.manual_seed(7)
    b = [ALL[name](pixels) for _ in range(3)]
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert repr(ALL[name]).startswith(name + "(")


def test_loader_and_workers_give_the_same_augmentation():
    class Pictures(Dataset):
        augment = T.Compose(
            [ALL["RandomAffine"], ALL["ColorJitter"], ALL["RandomResizedCrop"], T.ToTensor(), T.RandomErasing()]
        )

        def __len__(self):
            return 12

        def __getitem__(self, i):
            return self.augment(np.random.default_rng(i).integers(0, 256, (9, 12, 3), dtype=np.uint8))

    def epoch(workers, kind="process"):
        g = ac.Generator().manual_seed(0)
        loader = DataLoader(Pictures(), batch_size=5, generator=g, num_workers=workers, worker_type=kind)
        return np.concatenate([batch.array for batch in loader])

    alone = epoch(0)
    for workers, kind in [(1, "process"), (3, "process"), (2, "thread")]:
        np.testing.assert_array_equal(epoch(workers, kind), alone)


# --------------------------------------------------------------------------------------------------------------- values


def test_to_tensor():
    pixels = images()["array"]
    t = F.to_tensor(pixels)
    assert t.shape == (3, 9, 12)
    assert t.dtype is ac.float32
    np.testing.assert_array_equal(t.array, pixels.transpose(2, 0, 1) * np.float32(1 / 255))
    assert F.to_tensor(pixels[..., 0]).shape == (1, 9, 12)
    assert F.to_tensor(np.ones((2, 2))).dtype is ac.float64
    assert F.to_tensor(np.array([[60000]], np.uint16)).item() == 60000
    assert F.to_tensor(t) is t


def test_normalize():
    t = F.to_tensor(images()["array"])
    out = T.Normalize((0.5, 0.4, 0.3), (0.2, 0.2, 0.5))(t)
    np.testing.assert_allclose(out.array[2], (t.array[2] - 0.3) / 0.5, rtol=1e-6)
    assert T.Normalize(0.5, 0.5)(t).array.min() >= -1
    array = t.array.transpose(1, 2, 0)
    np.testing.assert_array_equal(T.Normalize((0.5, 0.4, 0.3), (0.2, 0.2, 0.5))(array), out.array.transpose(1, 2, 0))
    assert T.Normalize(0.5, 0.5, inplace=True)(t) is t
    assert t.array.min() < 0


def test_convert_image_dtype():
    t = F.to_tensor(images()["array"])
    back = T.ConvertImageDtype(ac.uint8)(t)
    np.testing.assert_array_equal(back.array.transpose(1, 2, 0), F.convert_image_dtype(images_of(back), np.uint8))
    assert F.convert_image_dtype(np.full((1, 1), 255, np.uint8)).item() == 1.0


def images_of(t):
    return t.array.transpose(1, 2, 0)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(-4, 9), st.integers(-4, 12))
@settings(deadline=None)
def test_crop_is_padding_and_slicing(height, width, top, left):
    grey = np.arange(1, 7 * 8 + 1).reshape(7, 8)
    padded = np.pad(grey, 20)
    np.testing.assert_array_equal(
        F.crop(grey, top, left, height, width), padded[20 + top : 20 + top + height, 20 + left : 20 + left + width]
    )


def test_flips_pad_and_center_crop():
    a = np.arange(6).reshape(2, 3)
    assert F.hflip(a).tolist() == [[2, 1, 0], [5, 4, 3]]
    assert F.vflip(a).tolist() == [[3, 4, 5], [0, 1, 2]]
    assert F.pad(a, 1).shape == (4, 5)
    assert F.pad(a, (1, 2)).shape == (6, 5)
    assert F.pad(a, (1, 2, 3, 4)).shape == (8, 7)
    assert F.pad(a, 1, fill=9)[0].tolist() == [9] * 5
    assert F.pad(a, (1, 0), padding_mode="edge")[0].tolist() == [0, 0, 1, 2, 2]
    assert F.pad(a, (1, 0), padding_mode="reflect")[0].tolist() == [1, 0, 1, 2, 1]
    assert F.pad(a, (1, 0), padding_mode="symmetric")[0].tolist() == [0, 0, 1, 2, 2]
    assert F.center_crop(np.arange(25).reshape(5, 5), 3).tolist() == [[6, 7, 8], [11, 12, 13], [16, 17, 18]]
    assert F.center_crop(a, 4).tolist() == [[0] * 4, [0, 1, 2, 0], [3, 4, 5, 0], [0] * 4]


def test_quarter_turns_are_exact():
    for shape in [(5, 5), (4, 4), (4, 6), (5, 8), (3, 4, 3)]:
        a = RNG.integers(0, 256, shape, dtype=np.uint8)
        for quarter in range(1, 4):
            for mode in ("nearest", "bilinear"):
                np.testing.assert_array_equal(F.rotate(a, 90 * quarter, mode, expand=True), np.rot90(a, quarter))


def test_rotation_turns_counter_clockwise_about_the_centre():
    a = np.zeros((5, 5), np.float32)
    a[0, 2] = 1  # up
    assert F.rotate(a, 90)[2, 0] == 1  # to the left
    assert F.affine(a, 90, (0, 0), 1, 0)[2, 4] == 1  # affine's angle is clockwise, as PyTorch's
    assert F.affine(a, 0, (1, 2), 1, 0)[2, 3] == 1  # right 1, down 2
    assert F.rotate(a, 45, fill=7)[0, 0] == 7


def test_rotations_there_and_back():
    a = np.pad(RNG.random((10, 10)), 10)
    smooth = F.gaussian_blur(a, 9, 3.0)
    back = F.rotate(F.rotate(smooth, 33, "bilinear"), -33, "bilinear")
    # bilinear sampling of a function with second derivative s errs by at most s/8 per pass
    s = max(np.abs(np.diff(smooth, 2, axis=axis)).max() for axis in (0, 1))
    assert np.abs(back - smooth)[8:-8, 8:-8].max() < 2 * 2 * s / 8 + 1e-6


def test_resize_keeps_constants_and_means():
    for mode in ("nearest", "bilinear", "bicubic"):
        for size in [(3, 4), (20, 30), (9, 12), 5]:
            out = F.resize(np.full((9, 12), 0.7), size, mode)
            np.testing.assert_allclose(out, 0.7, rtol=1e-12)
    a = RNG.random((8, 8))
    np.testing.assert_allclose(F.resize(a, (4, 4)).mean(), a.mean(), rtol=0.1)
    assert F.resize(np.zeros((10, 20)), 5).shape == (5, 10)
    assert F.resize(np.zeros((20, 10)), 5).shape == (10, 5)
    assert F.resize(np.zeros((10, 30)), 8, max_size=12).shape == (4, 12)
    assert F.resize(np.zeros((1, 100)), 1).shape == (1, 100)


def test_colour_operations():
    rgb = F.to_tensor(images()["array"])
    grey = F.rgb_to_grayscale(rgb)
    r, g, b = rgb.array
    np.testing.assert_allclose(grey.array[0], 0.2989 * r + 0.587 * g + 0.114 * b, rtol=1e-5)
    assert F.rgb_to_grayscale(rgb, 3).shape == (3, 9, 12)
    flat = images()["grey"]
    assert F.rgb_to_grayscale(flat, 3).shape == (9, 12, 3)
    assert F.rgb_to_grayscale(flat).shape == (9, 12)
    assert F.rgb_to_grayscale(ac.from_numpy(flat), 3).shape == (3, 9, 12)
    for change in (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation):
        np.testing.assert_allclose(change(rgb, 1.0).array, rgb.array, atol=1e-6)
    np.testing.assert_allclose(F.adjust_brightness(rgb, 0.0).array, 0)
    np.testing.assert_allclose(F.adjust_contrast(rgb, 0.0).array, grey.array.mean(), rtol=1e-5)
    np.testing.assert_allclose(F.adjust_saturation(rgb, 0.0).array, np.repeat(grey.array, 3, 0), atol=1e-6)
    np.testing.assert_allclose(F.adjust_hue(rgb, 0.0).array, rgb.array, atol=1e-6)
    np.testing.assert_allclose(F.adjust_hue(F.adjust_hue(rgb, 0.3), -0.3).array, rgb.array, atol=1e-5)
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 255
    assert F.adjust_hue(red, 1 / 3).ravel().tolist() == [0, 255, 0]
    assert F.adjust_hue(red, -1 / 3).ravel().tolist() == [
        0,
        0,
        255,
    ]
    assert F.invert(red).ravel().tolist() == [0, 255, 255]


def test_hue_agrees_with_the_standard_library():
    import colorsys

    rgb = RNG.random((6, 5, 3))
    turned = F.adjust_hue(rgb, 0.2)
    for y in range(6):
        for x in range(5):
            h, s, v = colorsys.rgb_to_hsv(*rgb[y, x])
            np.testing.assert_allclose(turned[y, x], colorsys.hsv_to_rgb((h + 0.2) % 1, s, v), atol=1e-12)


def test_erase():
    t = F.to_tensor(images()["array"])
    out = F.erase(t, 2, 3, 4, 5, (0.1, 0.2, 0.3))
    np.testing.assert_allclose(out.array[1, 2:6, 3:8], 0.2, rtol=1e-6)
    assert (out.array[:, :2] == t.array[:, :2]).all()
    assert F.erase(t, 0, 0, 2, 2, 0.5, inplace=True) is t
    assert t.array[0, 0, 0] == 0.5
    noisy = T.RandomErasing(1.0, value="random")(F.to_tensor(np.zeros((16, 16, 3), np.uint8)))
    assert np.count_nonzero(noisy.array) >= 3


def test_noise():
    ac.manual_seed(0)
    out = T.GaussianNoise(0.0, 0.1, clip=False)(np.full((100, 100), 0.5))
    assert abs(out.mean() - 0.5) < 0.005
    assert abs(out.std() - 0.1) < 0.005
    assert T.GaussianNoise(0, 5.0)(np.full((9, 9), 0.5, np.float32)).max() <= 1


# -------------------------------------------------------------------------------------------------------- distributions


def test_frequencies():
    """Counts within 5 standard deviations of what the arguments say."""
    ac.manual_seed(0)
    a = np.arange(4).reshape(2, 2)
    n = 3000
    for p in (0.0, 0.3, 1.0):
        flips = sum(T.RandomHorizontalFlip(p)(a)[0, 0] == 1 for _ in range(n))
        assert abs(flips - n * p) <= 5 * math.sqrt(n * p * (1 - p))
    corners = [T.RandomCrop(2)(np.arange(9).reshape(3, 3))[0, 0] for _ in range(n)]
    assert set(corners) == {0, 1, 3, 4}
    for corner in (0, 1, 3, 4):
        assert abs(corners.count(corner) - n / 4) < 5 * math.sqrt(n * 3 / 16)
    picked = [T.RandomChoice([lambda x: 0, lambda x: 1], p=[1, 3])(a) for _ in range(n)]
    assert abs(sum(picked) - 0.75 * n) < 5 * math.sqrt(n * 3 / 16)


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: T.RandomCrop(0), ValueError, "RandomCrop: size should be one or two integers of at least 1, got 0"),
        (lambda: T.RandomCrop((1, 2, 3)), ValueError, "RandomCrop: size"),
        (lambda: T.RandomCrop(8)(np.zeros((4, 4))), ValueError, r"\(8, 8\) is larger than the image, 4 x 4; pass"),
        (lambda: T.RandomCrop(4, padding=-1), ValueError, "non-negative integers, got -1"),
        (lambda: T.Pad((1, 2, 3)), ValueError, "1, 2 or 4 non-negative integers"),
        (lambda: F.pad(np.zeros((2, 2)), 1, padding_mode="wrap"), ValueError, "padding_mode should be one of"),
        (lambda: F.pad(np.zeros((2, 2)), 2, padding_mode="reflect"), ValueError, "this one is 2 x 2"),
        (lambda: T.RandomHorizontalFlip(1.5), ValueError, "p should be a probability from 0 to 1, got 1.5"),
        (lambda: T.RandomHorizontalFlip(float("nan")), ValueError, "p should be a probability"),
        (lambda: T.Normalize(0.5, 0.5)(np.zeros((2, 2), np.uint8)), TypeError, "put ToTensor"),
        (lambda: T.Normalize((1, 2), 1)(np.zeros((2, 2, 3))), ValueError, "mean has 2 values, the image has 3"),
        (lambda: T.Normalize(0, 0)(np.zeros((2, 2))), ValueError, "divide by zero"),
        (lambda: T.Resize((2, 2), "lanczos")(np.zeros((4, 4))), ValueError, "interpolation should be"),
        (lambda: F.resize(np.zeros((4, 4)), (2, 2), max_size=3), ValueError, "max_size is for a size of one number"),
        (lambda: F.resize(np.zeros((0, 4)), 2), ValueError, "the image is empty, 0 x 4"),
        (lambda: T.RandomRotation(-5), ValueError, "a single degrees should not be negative"),
        (lambda: T.RandomRotation((5, 1)), ValueError, "low <= high"),
        (lambda: T.RandomRotation("x"), ValueError, "degrees should be two numbers"),
        (lambda: T.RandomAffine(0, translate=(0.1, 2)), ValueError, "translate should be two shares from 0 to 1"),
        (lambda: T.RandomAffine(0, scale=(0, 1)), ValueError, "scale values should be positive"),
        (lambda: F.affine(np.zeros((2, 2)), 0, (0, 0), 0, 0), ValueError, "scale should be positive"),
        (lambda: F.rotate(np.zeros((2, 2)), float("nan")), ValueError, "finite numbers"),
        (lambda: T.ColorJitter(-1), ValueError, "a single brightness should not be negative"),
        (lambda: T.ColorJitter(hue=0.6), ValueError, r"hue should lie in \[-0.5, 0.5\]"),
        (lambda: F.adjust_brightness(np.zeros((2, 2, 5)), 1), ValueError, "1 or 3 channels, got 5"),
        (lambda: F.adjust_contrast(np.zeros((2, 2)), -1), ValueError, "finite number of at least 0, got -1"),
        (lambda: T.RandomErasing(value="noise"), ValueError, 'numbers or "random"'),
        (lambda: T.RandomErasing(scale=(0, 2)), ValueError, "scale should lie in"),
        (lambda: T.GaussianBlur(4), ValueError, "kernel_size should be odd"),
        (lambda: T.GaussianBlur(9)(np.zeros((4, 4))), ValueError, "too large for an image of 4 x 4"),
        (lambda: T.GaussianBlur(3, 0), ValueError, "sigma should be positive"),
        (lambda: T.GaussianNoise()(np.zeros((2, 2), np.uint8)), TypeError, "put ToTensor"),
        (lambda: T.Compose(T.Pad(1)), TypeError, "transforms should be a list of callables, got Pad"),
        (lambda: T.Compose([3]), TypeError, r"transforms\[0\] is int, which cannot be called"),
        (lambda: T.Lambda(3), TypeError, "lambd should be callable"),
        (lambda: T.RandomChoice([]), ValueError, "p should be 0 weights"),
        (lambda: F.hflip([1, 2]), TypeError, "hflip: expected an image as array or tensor, got list"),
        (lambda: F.hflip(np.zeros(3)), ValueError, r"expected an image array .*, got shape \(3,\)"),
        (lambda: F.hflip(ac.ones(3)), ValueError, r"expected an image tensor \(..., C, H, W\)"),
        (lambda: F.rgb_to_grayscale(np.zeros((2, 2)), 2), ValueError, "1 or 3, got 2"),
        (lambda: T.Transform()(1), NotImplementedError, "must define __call__"),
    ],
)  # fmt: skip
def test_errors(make, kind, text):
    with pytest.raises(kind, match=text):
        make()


def test_pillow_images_are_accepted():
    Image = pytest.importorskip("PIL.Image")
    pixels = images()["array"]
    np.testing.assert_array_equal(F.to_tensor(Image.fromarray(pixels)).array, F.to_tensor(pixels).array)
    np.testing.assert_array_equal(F.hflip(Image.fromarray(pixels)), F.hflip(pixels))


def test_resize_agrees_with_pillow():
    Image = pytest.importorskip("PIL.Image")
    grey = RNG.random((23, 31)).astype(np.float32)
    for mode, theirs in [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)]:
        for h, w in [(10, 12), (40, 50), (23, 7)]:
            expected = np.array(Image.fromarray(grey).resize((w, h), theirs))
            # both in float32: a few rounding errors of sums of some ten terms
            np.testing.assert_allclose(F.resize(grey, (h, w), mode), expected, atol=5e-6)
