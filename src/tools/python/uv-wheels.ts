// The version of uv that mlship installs for itself where there is none, with the hash of each wheel.

/** Newest at the time of writing; any version from {@link oldestUv} on will do. */
export const pinnedUv = "0.13.8";

/** The first version that has every option used here. */
export const oldestUv = [0, 8, 0] as const;

/** SHA-256 of the wheels, by the platform tag of each. */
export const uvWheels = {
  manylinux_2_17_x86_64: "e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984",
  musllinux_1_1_x86_64: "29451c60f5e8b07403e0a175d5229efc36b0289b34143ff4aaa499a5dd52553a",
  // One wheel for glibc and musl.
  manylinux_2_17_aarch64: "0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d",
  macosx_10_12_x86_64: "b7124ca1956ec2e476a1003ea5715a15f0266afaec37f4dc9c6972ba8183e6d1",
  macosx_11_0_arm64: "62b6943c7fd64fac6854f780bea6e0359e5a5bc3241f83ee357bb38276afac49",
};
